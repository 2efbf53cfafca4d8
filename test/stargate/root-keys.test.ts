import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Finding, Subject } from '../../apps/stargate/check/check.js';
import { HOST_KEY } from '../../apps/stargate/check/host-key.js';
import { HOST_KEY_KINDS, keyFile, keyFolder } from '../../apps/stargate/host-key/key-files.js';
import { rotateHostKeys } from '../../apps/stargate/host-key/rotation.js';
import { openShared } from '../../apps/stargate/root/serving/shared.js';
import { failure } from '../support/failure.js';
import { SILENT } from '../support/silent-log.js';
import { Sandbox } from '../support/worlds/sandbox.js';

describe('stargate: the host keys of a root', function () {
  this.timeout(60_000); // an RSA key takes seconds
  let sandbox: Sandbox;
  let root: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    root = sandbox.path('root');
  });
  afterEach(() => sandbox.remove());

  /** What a start shows, and the kinds that it says it has made. */
  const started = async (): Promise<{ readonly keys: readonly string[]; readonly made: unknown[] }> => {
    const undo: (() => unknown)[] = [];
    const made: unknown[] = [];
    const warn = (event: string, fields?: object): void =>
      void (event === 'host-key.made' && made.push((fields as { readonly kinds: unknown }).kinds));
    try {
      const { keyring } = await openShared(
        { push: (step) => void undo.push(step) },
        {
          ...{ root, log: { ...SILENT, warn }, keysChanged: async () => undefined },
          choice: { profile: 'embedded', mirrorRemote: undefined, plugins: [] },
        },
      );
      return { keys: keyring.current.inUse.map(({ fingerprint }) => fingerprint), made };
    } finally {
      for (const step of undo.reverse()) await step();
    }
  };

  it('are made by its first start, which says so, and stay', async () => {
    const first = await started();
    expect(first.keys).to.have.length(HOST_KEY_KINDS.length);
    expect(first.made).to.deep.equal([['ecdsa', 'rsa'], ['ed25519']]);
    expect(await started()).to.deep.equal({ keys: first.keys, made: [] });
  });

  it('are never made anew by themselves where they are lost: clients would meet others without a word', async () => {
    const { keys } = await started();
    const folder = keyFolder(root);
    await rm(keyFile(folder, 'ed25519'));
    expect((await failure(started(), 'CONFIG_INVALID')).message).to.contain('is lost');
    for (const kind of HOST_KEY_KINDS) await rm(keyFile(folder, kind), { force: true });
    const { hint } = await failure(started(), 'CONFIG_INVALID');
    expect(hint).to.contain(`host-key rotate --repo ${root}`);
    await rotateHostKeys(root, { grace: 0, now: Date.now(), sooner: false });
    const after = await started();
    expect(after.keys).to.have.length(HOST_KEY_KINDS.length);
    expect(after.keys.filter((key) => keys.includes(key))).to.deep.equal([]);
  });

  it('are what a check of a repository below it looks at', async () => {
    const gitDir = join(root, 'ada', 'one.git');
    await mkdir(keyFolder(gitDir), { recursive: true });
    const looked = async (): Promise<readonly Finding[]> => HOST_KEY.run({ gitDir } as Partial<Subject> as Subject);
    expect((await failure(looked(), 'CONFIG_INVALID')).message).to.contain(`${gitDir} is lost`);
    await mkdir(keyFolder(root));
    expect((await looked()).map(({ level, what }) => [level, what])).to.deep.equal([
      ['warning', `there is none: the first start of ${root} makes them`],
    ]);
    const { keys } = await started();
    expect((await looked()).map(({ what }) => what.split(' ')[0])).to.deep.equal(keys);
    await rm(keyFile(keyFolder(root), 'ed25519'));
    expect((await failure(looked(), 'CONFIG_INVALID')).message).to.contain(`${root} is lost`);
  });
});
