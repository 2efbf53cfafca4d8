import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { open as openBare } from '../../adapters/git-cli/open-bare.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { memoryStore } from '../../adapters/git-memory/open.js';
import { openRepository } from '../../domain/repo/repository.js';
import { bundleOf } from '../../domain/repo/transfer/bundle.js';
import { copyRefs } from '../../domain/repo/transfer/copy.js';
import { alone } from '../support/alone.js';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { FORMATS, SeededRandomness, TestClock } from '../support/memory/memory.js';
import { temporaryFolder } from '../support/temporary.js';
import { refused } from './refused.js';
import { ANNA, testRepository } from './support.js';

const UNLIMITED = { repository: Infinity, process: Infinity };
const commit = (message: string) => ({ message, author: ANNA });

for (const format of FORMATS) {
  describe(`import and export of ordinary repositories (${format})`, () => {
    it('go through a bundle that git clones, and a bare repository that is filled from one', async function () {
      this.timeout(20_000);
      const { repo, store } = testRepository(format);
      await refused(bundleOf(store, nodeHasher()).next(), 'NOT_FOUND');
      await repo.add(
        { path: 'a', content: 'a\n' },
        { path: 'large', content: new Uint8Array(200_000).fill(7) },
        { path: 'empty', content: '' },
      );
      await repo.commit(commit('one'));
      await repo.checkout('topic', { create: true });
      await repo.add({ path: 'd/b', content: 'b\n' });
      await repo.commit(commit('two'));
      await repo.createTag('v1', 'main', { message: 'Version one', tagger: ANNA });
      const folder = await temporaryFolder();
      try {
        const env = isolatedEnv(folder.path);
        const git = (...args: string[]): string =>
          execFileSync('git', args, { env, encoding: 'utf8', cwd: folder.path, stdio: 'pipe' });
        const pieces: Uint8Array[] = [];
        for await (const piece of bundleOf(store, nodeHasher())) pieces.push(piece);
        const file = `${folder.path}/all.bundle`;
        writeFileSync(file, Buffer.concat(pieces));
        git('clone', '--quiet', '--bare', file, 'clone.git');
        git('--git-dir=clone.git', 'fsck', '--strict');
        expect(git('--git-dir=clone.git', 'symbolic-ref', 'HEAD')).to.equal('refs/heads/topic\n');
        const refs = [...(await store.refs(['refs/']))].map(([ref, oid]) => `${oid} ${ref}\n`).join('');
        expect(git('--git-dir=clone.git', 'for-each-ref', '--format=%(objectname) %(refname)')).to.equal(refs);

        const context = alone(folder.path, env);
        const bare = await openBare({ directory: `${folder.path}/back.git`, create: format, bundle: file }, context);
        const back = memoryStore(format, UNLIMITED);
        await copyRefs(bare, back);
        await copyRefs(bare, back);
        await bare.close();
        expect(await back.refs(['refs/'])).to.deep.equal(await store.refs(['refs/']));
        const reopened = openRepository({
          store: back,
          hasher: nodeHasher(),
          clock: new TestClock(),
          randomness: new SeededRandomness(),
        });
        expect(
          (await reopened.list('', { rev: 'topic', recursive: true })).map(({ path, size }) => `${path} ${size}`),
        ).to.deep.equal(['a 2', 'd 0', 'd/b 2', 'empty 0', 'large 200000']);
        await refused(copyRefs(store, memoryStore(format === 'sha1' ? 'sha256' : 'sha1', UNLIMITED)), 'NOT_SUPPORTED');
        writeFileSync(file, Buffer.concat(pieces).fill(0, 5000, 5040));
        const broken = `${folder.path}/broken.git`;
        await refused(openBare({ directory: broken, create: format, bundle: file }, context), 'INPUT_INVALID');
        expect(existsSync(broken)).to.equal(false);
        await refused(openBare({ directory: broken }, context), 'GIT_ERROR');
        git('init', '--quiet', 'around');
        mkdirSync(`${folder.path}/around/below`);
        writeFileSync(`${folder.path}/around/below/file`, 'no repository');
        await refused(openBare({ directory: `${folder.path}/around/below`, create: format }, context), 'GIT_ERROR');
      } finally {
        await folder.remove();
      }
    });
  });
}
