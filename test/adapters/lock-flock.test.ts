import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openFlockLock } from '../../adapters/lock-flock/open.js';
import type { LeaderLock } from '../../ports/index.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { startHolder } from '../support/programs/holder-process.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

leaderLockContract('lock-flock', async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, '.stargate', 'leader.lock');
  const running: (() => Promise<void>)[] = [];
  return {
    takeoverMs: 0,
    open: () => openFlockLock({ path }),
    async holderProcess() {
      const holder = await startHolder(fileURLToPath(new URL('./lock-flock-holder.js', import.meta.url)), path);
      running.push(holder.kill);
      return holder;
    },
    depose: () => rm(path),
    async dispose() {
      for (const kill of running) await kill();
      await folder.remove();
    },
  };
});

describe('lock-flock', () => {
  let folder: Temporary;
  let path: string;
  let lock: LeaderLock;

  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'leader.lock');
    lock = await openFlockLock({ path });
  });
  afterEach(async () => {
    await lock.close();
    await folder.remove();
  });

  it('persists the term before it gives the lease, and says who holds it', async () => {
    const lease = await lock.acquire('alpha');
    expect(lease?.term).to.equal(1);
    expect(await readFile(join(folder.path, 'leader.term'), 'utf8')).to.equal('1\n');
    expect(JSON.parse(await readFile(join(folder.path, 'leader.json'), 'utf8'))).to.deep.equal({
      name: 'alpha',
      pid: process.pid,
      term: 1,
    });
  });

  it('is not held any more when the file is deleted or replaced', async () => {
    const lease = await lock.acquire('alpha');
    await rm(path);
    expect(await lease?.held()).to.equal(false);
    const next = await lock.acquire('beta');
    expect(await next?.held()).to.equal(true);
    expect(next?.term).to.equal(2);
    await writeFile(`${path}.other`, '');
    await rename(`${path}.other`, path);
    expect(await next?.held()).to.equal(false);
  });

  it('does not set the term back when one of its files is lost', async () => {
    await writeFile(join(folder.path, 'leader.term'), '41\n');
    await (await lock.acquire('a'))?.release();
    await rm(join(folder.path, 'leader.term'));
    const lease = await lock.acquire('b');
    expect(lease?.term).to.equal(43);
  });

  it('gives no lease on a damaged term', async () => {
    await writeFile(join(folder.path, 'leader.term'), '12x');
    const error = await thrownBy(lock.acquire('a'));
    expect(error.code).to.equal('IO_ERROR');
    expect(error.message).to.contain('leader.term');
    await writeFile(join(folder.path, 'leader.term'), '12\n');
    expect((await lock.acquire('a'))?.term, 'and holds nothing after the failure').to.equal(13);
  });

  it('says what to install when there is no flock', async () => {
    const poor = await openFlockLock({ path, env: { PATH: '/nonexistent' } });
    const error = await thrownBy(poor.acquire('a'));
    expect([error.code, error.message]).to.deep.equal(['IO_ERROR', 'flock is not installed']);
    expect(error.hint).to.contain('util-linux');
  });
});
