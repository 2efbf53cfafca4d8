import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openFileLock } from '../../plugins/example-lock-file/open.js';
import { type Composition, openProfile, parseProfile } from '../../plugins/host/index.js';
import type { LeaderLock, Lease } from '../../ports/index.js';
import { type ExpiringLockBench, expiringLockContract, type WatchedHolder } from '../contracts/expiring-lock.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { startHolder } from '../support/programs/holder-process.js';
import { BUILD } from '../support/root.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

const TTL = 500;
/** For a holder in a process of its own: it must have had the time to say so that it holds the lock, on a busy machine too. */
const LONG_TTL = 2500;

const bench = async (ttl: number): Promise<ExpiringLockBench> => {
  const folder = await temporaryFolder();
  const lease = join(folder.path, 'lease');
  const running: (() => Promise<void>)[] = [];
  const compositions: Composition[] = [];
  const yaml = `
name: shared
plugins: [./example-lock-file/manifest.js]
adapters:
  leader-lock: { use: lock-file, config: { folder: lease, ttlMs: ${ttl} } }
`;
  const watchedHolder = async (): Promise<WatchedHolder> => {
    const script = fileURLToPath(new URL('./example-lock-file-holder.js', import.meta.url));
    const holder = await startHolder(script, lease, String(ttl));
    running.push(holder.kill);
    return holder;
  };
  return {
    takeoverMs: ttl,
    async open() {
      const profile = await parseProfile(yaml, join(BUILD, 'plugins', 'shared.yaml'));
      const composition = await openProfile(profile, { directory: folder.path, env: {} });
      compositions.push(composition);
      return composition.get<LeaderLock>('leader-lock');
    },
    holderProcess: watchedHolder,
    watchedHolder,
    async depose() {
      const [last] = (await readdir(lease)).map((name) => Number.parseInt(name, 10)).sort((a, b) => b - a);
      await writeFile(join(lease, `${(last ?? 0) + 1}.lease`), '');
    },
    async dispose() {
      for (const kill of running) await kill();
      for (const composition of compositions) await composition.close();
      await folder.remove();
    },
  };
};

leaderLockContract('example plugin lock-file', () => bench(LONG_TTL));
expiringLockContract('example plugin lock-file', () => bench(LONG_TTL));

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

  it('tells its holder when the folder is gone, or the disk does not answer, without being asked', async () => {
    const lock = await openFileLock({ folder: folder.path, ttlMs: TTL });
    const lost = async (lease: Lease | null): Promise<void> => {
      if (lease?.lost.aborted === false) await once(lease.lost, 'abort', { signal: AbortSignal.timeout(3 * TTL) });
    };
    const first = await lock.acquire('a');
    await rm(join(folder.path, '1.lease'));
    await lost(first);
    const second = await lock.acquire('b');
    // To open a FIFO for reading takes a writer, so the next beat hangs in it.
    const path = join(folder.path, `${second?.term}.lease`);
    execFileSync('mkfifo', [`${path}.fifo`]);
    await rename(`${path}.fifo`, path);
    try {
      await lost(second);
    } finally {
      closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK)); // lets the reader go
      await rm(path);
    }
    await lock.close();
  });

  it('counts on from the largest term there is', async () => {
    await writeFile(join(folder.path, '7.lease'), '');
    const lock = await openFileLock({ folder: folder.path, ttlMs: 60_000 });
    expect((await lock.acquire('a'))?.term).to.equal(8);
    await lock.close();
  });
});
