import { expect } from 'chai';
import { restoredText } from '../../../apps/stargate/backup/command.js';
import type { Restored } from '../../../apps/stargate/backup/restore.js';
import type { HostKey } from '../../../apps/stargate/host-key/key-files.js';
import { KvError } from '../../../ports/error.js';
import { counted } from '../../../ports/grammar/counted.js';

const key = (kind: HostKey['kind']): HostKey => ({ kind, type: `ssh-${kind}`, fingerprint: `SHA256:${kind}` }) as HostKey;
const RESTORED: Restored = {
  gitDir: '/srv/kv.git',
  refs: 8,
  namespaces: ['main'],
  admins: ['ada'],
  hostKeys: [key('ed25519'), key('rsa')],
  newKinds: [],
  checks: [],
  mirror: { lines: ['the mirror shows what is here, and no more'], ahead: false },
  pushUrl: null,
};

describe('what restore tells its operator', () => {
  const told = (over: Partial<Restored>, dryRun = false): string => restoredText({ ...RESTORED, ...over }, dryRun);

  it('has serve listen where the policy has clients push', () => {
    expect(told({})).to.contain('next: git-kv-stargate serve --repo /srv/kv.git; then compare');
    expect(told({ pushUrl: 'ssh://git@stargate.local:2200/kv.git' })).to.contain('kv.git --listen-ssh 0.0.0.0:2200; then');
  });

  it('leads to taking over where the mirror is ahead', () => {
    expect(told({})).to.match(/then compare: git kv stargate sync\n$/);
    expect(told({ mirror: { lines: ['namespace main: …'], ahead: true } })).to.match(/refused: git kv stargate sync --adopt\n$/);
  });

  it('warns of new host keys, and shows none that it does not make', () => {
    expect(told({})).to.not.contain('HAS CHANGED').and.to.not.contain('new');
    const fresh = told({ newKinds: ['ed25519', 'rsa'] });
    expect(fresh).to.contain('SHA256:rsa  ssh-rsa, new').and.to.contain('HAS CHANGED');
    const dry = told({ hostKeys: [], newKinds: ['ed25519', 'rsa'] }, true);
    expect(dry).to.contain('new ones will be made: ed25519, rsa').and.to.contain('HAS CHANGED').and.to.not.contain('next: ');
    // A kind that was never there is nobody's to miss.
    expect(told({ newKinds: ['rsa'] }))
      .to.contain('ssh-rsa, new')
      .and.to.not.contain('HAS CHANGED');
  });

  it('says what was checked, and names what is wrong', () => {
    expect(told({})).to.not.contain('checked');
    const fault = new KvError('JOURNAL_CORRUPT', 'line 3 is damaged');
    const checks = [
      { what: '8 refs', fault: null },
      { what: 'journal', fault },
      { what: 'policy.yaml', fault: null },
    ];
    const lines = told({ checks }).split('\n');
    expect(lines.slice(3, 6)).to.deep.equal([
      '  checked   8 refs',
      '            policy.yaml',
      '  FAULT     journal: line 3 is damaged',
    ]);
  });

  it('counts in words', () => {
    expect([0, 1, 2].map((count) => counted(count, 'ref'))).to.deep.equal(['0 refs', '1 ref', '2 refs']);
  });
});
