import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openFileLock } from '../../plugins/example-lock-file/open.js';
import { type Composition, openProfile, parseProfile } from '../../plugins/host/index.js';
import type { LeaderLock } from '../../ports/index.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { startHolder } from '../support/holder-process.js';
import { BUILD } from '../support/root.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

const TTL = 500;

leaderLockContract('example plugin lock-file', async () => {
  const folder = await temporaryFolder();
  const lease = join(folder.path, 'lease');
  const running: (() => Promise<void>)[] = [];
  const compositions: Composition[] = [];
  const yaml = `
name: shared
plugins: [./example-lock-file/manifest.js]
adapters:
  leader-lock: { use: lock-file, config: { folder: lease, ttlMs: ${TTL} } }
`;
  return {
    takeoverMs: TTL,
    async open() {
      const profile = await parseProfile(yaml, join(BUILD, 'plugins', 'shared.yaml'));
      const composition = await openProfile(profile, { directory: folder.path, env: {} });
      compositions.push(composition);
      return composition.get<LeaderLock>('leader-lock');
    },
    async holderProcess() {
      const holder = await startHolder(
        fileURLToPath(new URL('./example-lock-file-holder.js', import.meta.url)),
        lease,
        String(TTL),
      );
      running.push(holder.kill);
      return holder;
    },
    async dispose() {
      for (const kill of running) await kill();
      for (const composition of compositions) await composition.close();
      await folder.remove();
    },
  };
});

describe('example plugin lock-file', () => {
  let folder: Temporary;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('ends a lease that has not beaten, for its holder too', async () => {
    const lock = await openFileLock({ folder: folder.path, ttlMs: 60_000 });
    const lease = await lock.acquire('slow');
    expect(await lease?.held()).to.equal(true);
    const longAgo = new Date(Date.now() - 61_000);
    await utimes(join(folder.path, '1.lease'), longAgo, longAgo);
    expect(await lease?.held()).to.equal(false);
    const other = await openFileLock({ folder: folder.path, ttlMs: 60_000 });
    const next = await other.acquire('next');
    expect(next?.term).to.equal(2);
    expect(await lease?.held()).to.equal(false);
    expect(await readdir(folder.path)).to.deep.equal(['2.lease']);
    await lock.close();
    await other.close();
  });

  it('ends with a larger term, even before its own file is removed', async () => {
    const lock = await openFileLock({ folder: folder.path, ttlMs: 60_000 });
    const lease = await lock.acquire('a');
    await writeFile(join(folder.path, '2.lease'), 'b');
    expect(await lease?.held()).to.equal(false);
    expect(await lock.holder()).to.deep.equal({ name: 'b', term: 2 });
    await lock.close();
  });

  it('counts on from the largest term there is', async () => {
    await writeFile(join(folder.path, '7.lease'), '');
    const lock = await openFileLock({ folder: folder.path, ttlMs: 60_000 });
    expect((await lock.acquire('a'))?.term).to.equal(8);
    await lock.close();
  });
});
