import { expect } from 'chai';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { open as openBare } from '../../adapters/git-cli/open-bare.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { memoryStore } from '../../adapters/git-memory/open.js';
import { openMemoryFirst } from '../../domain/repo/persist/memory-first.js';
import { openRepository } from '../../domain/repo/repository.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { blob } from '../contracts/git-objects.js';
import { gitStoreContract } from '../contracts/git-store.js';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { SeededRandomness, TestClock } from '../support/memory/memory.js';
import { temporaryFolder } from '../support/temporary.js';
import { refused } from './refused.js';
import { ANNA, oracle, seeded } from './support.js';
import { alone } from '../support/alone.js';

const CAPABILITIES = {
  objectFormats: ['sha1', 'sha256'] as ObjectFormat[],
  durable: true,
  pathHistory: true,
  quarantines: ['new'] as 'new'[],
};
const UNLIMITED = { repository: Infinity, process: Infinity };

async function kept(format: ObjectFormat, directory: string, room = Infinity): Promise<GitStore> {
  const context = alone(directory, isolatedEnv(directory));
  const durable = await openBare({ directory: `${directory}/r.git`, create: format }, context);
  return openMemoryFirst(memoryStore(format, { ...UNLIMITED, repository: room }), durable);
}

gitStoreContract('memory-first', CAPABILITIES, async (format) => {
  const folder = await temporaryFolder();
  return { store: await kept(format, folder.path), cleanup: () => folder.remove() };
});

describe('a repository in memory that is kept on a disk', () => {
  const parts = { hasher: nodeHasher(), clock: new TestClock(), randomness: new SeededRandomness(3) };
  const commit = (message: string) => ({ message, author: ANNA });

  it('is there again when it is opened again: refs, HEAD, and all that they reach', async () => {
    const folder = await temporaryFolder();
    try {
      const store = await kept('sha256', folder.path);
      const repo = openRepository({ store, ...parts });
      await repo.add({ path: 'a', content: 'a' });
      await repo.commit(commit('one'));
      await repo.checkout('topic', { create: true });
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          repo.commitChanges('topic', { put: [{ path: `f${i}`, content: `${i}` }] }, commit(`${i}`)),
        ),
      );
      await repo.createTag('v1', 'main', { message: 'one', tagger: ANNA });
      await repo.createBranch('gone');
      await repo.deleteBranch('gone');
      await repo.createBranch('gone/below');
      await repo.close();
      await store.close();
      const again = await kept('sha256', folder.path);
      const reopened = openRepository({ store: again, ...parts });
      expect(await reopened.facts()).to.deep.include({ head: 'refs/heads/topic' });
      expect((await reopened.log()).total).to.equal(21);
      expect((await reopened.list('')).length).to.equal(21);
      expect((await reopened.tags()).map(({ message }) => message)).to.deep.equal(['one\n']);
      expect((await reopened.branches()).map(({ name }) => name)).to.deep.equal(['gone/below', 'main', 'topic']);
      await again.close();
    } finally {
      await folder.remove();
    }
  });

  it('is opened again though a crash has left locks on its refs and HEAD', async function () {
    this.timeout(20_000);
    const folder = await temporaryFolder();
    try {
      const store = await kept('sha1', folder.path);
      const first = openRepository({ store, ...parts });
      await first.commitChanges('main', { put: [{ path: 'a', content: 'a' }] }, commit('one'));
      await store.close();
      for (const name of ['HEAD.lock', 'refs/heads/main.lock', 'packed-refs.lock']) {
        writeFileSync(`${folder.path}/r.git/${name}`, '');
        utimesSync(`${folder.path}/r.git/${name}`, 1000, 1000);
      }
      const again = await kept('sha1', folder.path);
      const repo = openRepository({ store: again, ...parts });
      await repo.commitChanges('main', { put: [{ path: 'b', content: 'b' }] }, commit('two'));
      await repo.checkout('topic', { create: true });
      expect(readFileSync(`${folder.path}/r.git/HEAD`, 'utf8')).to.equal('ref: refs/heads/topic\n');
      await again.close();
    } finally {
      await folder.remove();
    }
  });

  it('needs no more memory than it may take, however much it holds', async function () {
    this.timeout(30_000);
    const folder = await temporaryFolder();
    try {
      const store = await kept('sha1', folder.path, 400_000);
      const repo = openRepository({ store, ...parts });
      for (let i = 0; i < 20; i++)
        await repo.commitChanges('main', { put: [{ path: `f${i}`, content: `${i}`.repeat(30_000) }] }, commit(`${i}`));
      expect((await repo.list('')).map(({ size }) => size).reduce((sum, size) => sum + size)).to.be.greaterThan(800_000);
      for (let i = 0; i < 20; i++) expect((await repo.readFile(`f${i}`)).content.length).to.equal(`${i}`.length * 30_000);
      await refused(repo.add({ path: 'large', content: 'x'.repeat(500_000) }), 'STORAGE_FULL');
      await repo.add({ path: 'fits', content: 'x'.repeat(300_000) });
      await repo.commit(commit('fits'));
      expect((await repo.readFile('fits')).content.length).to.equal(300_000);
      await store.close();
    } finally {
      await folder.remove();
    }
  });

  it('takes nothing more once something could not be made durable, and acknowledges none of what waited', async () => {
    const git = await oracle();
    try {
      let isBroken = false;
      const durable = new Proxy(git.store, {
        get: (target, name) => {
          if (name === 'write' && isBroken) return () => Promise.reject(new KvError('IO_ERROR', 'the disk is gone'));
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const repo = openRepository({ store: await openMemoryFirst(memoryStore('sha1', UNLIMITED), durable), ...parts });
      const first = await repo.commitChanges('main', { put: [{ path: 'a', content: 'a' }] }, commit('one'));
      isBroken = true;
      const late = ['b', 'c', 'd'].map((path) => repo.commitChanges('main', { put: [{ path, content: path }] }, commit(path)));
      for (const each of late) await refused(each, 'IO_ERROR');
      isBroken = false;
      await refused(repo.commitChanges('main', { put: [{ path: 'e', content: 'e' }] }, commit('e')), 'IO_ERROR');
      expect((await git.git('rev-parse', 'main')).trim()).to.equal(first.oid);
    } finally {
      await git.remove();
    }
  });

  it('counts a quarantine until it is dropped, and makes durable what it takes over', async () => {
    const folder = await temporaryFolder();
    try {
      const store = await kept('sha1', folder.path, 100_000);
      const object = blob('sha1', 'x'.repeat(60_000));
      const first = await store.openQuarantine(null);
      await first.write([object]);
      await refused(store.write([blob('sha1', 'y'.repeat(60_000))]), 'STORAGE_FULL');
      await first.close();
      const second = await store.openQuarantine(null);
      await second.write([object]);
      await second.accept();
      await store.close();
      const again = await kept('sha1', folder.path);
      expect((await again.headers([object.oid]))[0]?.size).to.equal(60_000);
      await again.close();
    } finally {
      await folder.remove();
    }
  });

  it('has every commit that was acknowledged when its process is killed', async function () {
    this.timeout(60_000);
    const random = seeded(9);
    const folder = await temporaryFolder();
    try {
      const acknowledged: string[] = [];
      for (let round = 0; round < 3; round++) {
        const child = fork(fileURLToPath(new URL('./committer-process.js', import.meta.url)), [folder.path, `${round}`], {
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        });
        const enough = acknowledged.length + 8 + random(30);
        await new Promise<void>((resolve, reject) => {
          child.on('message', (oid: string) => {
            acknowledged.push(oid);
            if (acknowledged.length >= enough) resolve();
          });
          child.on('exit', () => reject(new Error('the committer ended by itself')));
        });
        child.removeAllListeners('exit');
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      const store = await kept('sha1', folder.path);
      const repo = openRepository({ store, ...parts });
      const there = new Set<string>();
      for (const { name } of await repo.branches())
        for (const { oid } of (await repo.log({ from: name, limit: 10_000 })).commits) there.add(oid);
      expect(acknowledged.filter((oid) => !there.has(oid))).to.deep.equal([]);
      await store.close();
      const { execFileSync } = await import('node:child_process');
      execFileSync('git', ['--git-dir', `${folder.path}/r.git`, 'fsck', '--strict', '--no-dangling'], {
        env: isolatedEnv(folder.path),
        stdio: 'pipe',
      });
    } finally {
      await folder.remove();
    }
  });
});
