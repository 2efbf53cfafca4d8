import { expect } from 'chai';
import { KvError } from '../../ports/error.js';
import { historyLine } from '../../apps/cli/render/values/history.js';
import { formatMany, formatSeconds } from '../../apps/cli/render/units.js';
import { sshUrlFlag } from '../../apps/cli/parse/units.js';
import { publishedNames, setupDocument, setupText } from '../../apps/cli/render/remote/setup.js';
import type { SetupReport } from '../../domain/client/remote/setup.js';
import { needs } from '../support/needs/needs.js';
import { Place } from '../support/worlds/place.js';

describe('git kv: what people read', () => {
  it('a time span in its two largest units', () => {
    expect([0, 45, 289, 3600, 11_520, 190_800].map(formatSeconds)).to.deep.equal([
      '0 s',
      '45 s',
      '4 min 49 s',
      '1 h 0 min',
      '3 h 12 min',
      '2 d 5 h',
    ]);
  });

  it('one and many', () => {
    expect([0, 1, 1234].map((count) => formatMany(count, 'key'))).to.deep.equal(['0 keys', '1 key', '1,234 keys']);
  });

  it("a history's line ends with the message that a writer gave, and no message steers the terminal", () => {
    const entry = {
      commit: '5'.repeat(40),
      txn: '01K8ZVM3M0QJ3T0S6V9Q3D5N7R',
      epoch: '2026Q4',
      time: '2026-11-20T14:08:13.000Z',
      author: 'Ada <ada@example.org>',
      signed: true,
      signer: 'ada',
      by: 'ada',
      source: 'signature' as const,
      received: null,
      op: 'del',
      size: null,
      oid: null,
    } as const;
    const line = (subject: string): string => historyLine({ ...entry, subject, body: '' });
    expect(line('release 1.4.3')).to.match(/^2026-11-20 14:08:13Z {2}del .* ada +5{10} {2}release 1\.4\.3$/);
    expect(line('kv: main: set 0, delete 1')).to.match(/5{10}$/);
    expect(line('\u001b[2Jx')).to.match(/5{10} {2}\\u001b\[2Jx$/);
  });

  it('an SSH address, and what is none', () => {
    const good = [
      'ssh://git@h:2222/kv.git',
      'git@h:kv.git',
      'git+ssh://h/kv',
      'stargate:kv.git',
      'git@[::1]:kv',
      'ssh://[::1]:22/kv',
    ];
    for (const url of good) expect(sshUrlFlag('url', url)).to.equal(url);
    for (const url of ['', 'nonsense', 'https://x/y', '/srv/kv.git', '-oProxyCommand=x', 'ssh://-x/kv', 'git@-x:kv', 'ssh://h'])
      expect(() => sshUrlFlag('url', url), url).to.throw('--url wants an SSH address');
    expect(() => sshUrlFlag('url', 'ssh://git:secret@h/kv')).to.throw('and got "ssh://git@h/kv"');
  });

  it('a push URL, without what was secret in the one before', () => {
    const report: SetupReport = {
      ...{ remote: 'origin', pushUrl: 'ssh://git@h/kv', source: '--url', previousPushUrl: 'https://TOKEN@github.com/org/kv' },
      ...{
        fetchRefspecs: [],
        newRefspecs: [],
        pinned: null,
        servers: [],
        published: [],
        stargate: { reached: false, error: new KvError('IO_ERROR', 'nobody answers') },
      },
    };
    expect(setupText(report)).to.contain('origin.pushurl → ssh://git@h/kv').and.to.contain('it was https://github.com/org/kv\n');
    expect(setupDocument(report)).to.include({ push_url: 'ssh://git@h/kv', previous_push_url: 'https://github.com/org/kv' });
    expect(setupDocument({ ...report, previousPushUrl: null })).to.include({ previous_push_url: null });
    // Whose key the Stargate doesn't know has no use for the Stargate's.
    const published = [{ type: 'ssh-ed25519', fingerprint: 'SHA256:x', state: 'in-use' as const }];
    expect(publishedNames({ ...report, published })).to.equal('');
    const other = new KvError('IO_ERROR', 'another key', { advice: { id: 'host-key-changed', fingerprint: 'SHA256:y' } });
    expect(publishedNames({ ...report, published, stargate: { reached: false, error: other } })).to.contain('SHA256:x');
  });

  it('a binary value is not printed on a terminal unasked', async function () {
    const place = new Place();
    try {
      needs(this, 'script');
      await place.ok(['set', 'bin', '-'], { input: Uint8Array.of(1, 0, 255) });
      const shown = await place.shell('script -qec "$KV get bin" /dev/null');
      expect(shown.stdout.toString()).to.contain('this value is binary (3 B)').and.to.contain('-o FILE');
      expect((await place.shell('script -qec "$KV get bin --raw" /dev/null')).stdout.includes(255)).to.equal(true);
      expect((await place.kv(['get', 'bin'])).stdout).to.deep.equal(Buffer.of(1, 0, 255));
    } finally {
      place.remove();
    }
  });
});
