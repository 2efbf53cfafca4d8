import { expect } from 'chai';
import { rm, writeFile } from 'node:fs/promises';
import { parsePolicy } from '../../adapters/policy-yaml/open.js';
import { openPolicyFile, type PolicyFile } from '../../apps/stargate/repository/policy-file.js';
import { refusal } from '../support/failure.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { SILENT } from '../support/silent-log.js';

const GOOD = 'version: 1\nstargate:\n  push_url: ssh://git@h/r.git\n';
const LAST = 'version: 1\nstargate:\n  push_url: ssh://git@h/last.git\n';
const BROKEN = 'version: 1\nstargat: {}\n';

describe('stargate: the policy file', () => {
  let sandbox: Sandbox;
  let path: string;
  let opened: PolicyFile | undefined;
  let events: [string, unknown][];
  let infos: string[];
  let judged: boolean[];
  let changes: string[];
  beforeEach(() => {
    sandbox = new Sandbox();
    path = sandbox.path('policy.yaml');
    [events, infos, judged, changes] = [[], [], [], []];
  });
  afterEach(() => {
    opened?.close();
    sandbox.remove();
  });

  const open = async (text: string | null, published: string | null): Promise<PolicyFile> => {
    if (text === null) await rm(path, { force: true });
    else await writeFile(path, text);
    opened = await openPolicyFile({
      ...{ path, reader: { parse: parsePolicy } },
      published: async () => published,
      judged: (inForce) => void judged.push(inForce),
      onChange: ({ text: next }) => void changes.push(next),
      log: {
        ...SILENT,
        error: (event, fields) => void events.push([event, fields?.['kept']]),
        info: (event) => void infos.push(event),
      },
    });
    return opened;
  };

  for (const [what, text] of [
    ['is broken', BROKEN],
    ['is gone', null],
  ] as const) {
    it(`that ${what} at the start leaves in force what was published last, says so, and takes over once it is right`, async () => {
      const file = await open(text, LAST);
      expect(file.current.text).to.equal(LAST);
      expect(file.current.policy.pushUrl).to.equal('ssh://git@h/last.git');
      expect(file.status.rejected).to.contain(path);
      const kept = 'the policy that was published last stays in force, as refs/kv-policy/current has it';
      expect([events, judged]).to.deep.equal([[['policy.rejected', kept]], [false]]);
      await file.reload();
      expect(events, 'the same fault again').to.have.length(1);
      await writeFile(path, GOOD);
      await file.reload();
      expect([file.current.text, file.status.rejected, changes]).to.deep.equal([GOOD, null, [GOOD]]);
      expect(judged.at(-1)).to.equal(true);
    });
  }

  it('that is broken is an error where nothing was published, or nothing that can be read', async () => {
    for (const published of [null, BROKEN]) {
      const error = await refusal(open(BROKEN, published));
      expect([error.code, error.message.includes(path)]).to.deep.equal(['CONFIG_INVALID', true]);
    }
  });

  it('that breaks while it is in force leaves the policy from before', async () => {
    const file = await open(GOOD, LAST);
    expect(judged).to.deep.equal([true]);
    await writeFile(path, BROKEN);
    await file.reload();
    expect([file.current.text, changes]).to.deep.equal([GOOD, []]);
    expect(events).to.deep.equal([['policy.rejected', 'the policy from before stays in force']]);
    expect(judged.at(-1)).to.equal(false);
    await writeFile(path, GOOD);
    await file.reload();
    expect([file.status.rejected, judged.at(-1), infos]).to.deep.equal([null, true, ['policy.mended']]);
    await file.reload();
    expect(infos).to.have.length(1);
  });
});
