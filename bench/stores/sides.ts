import { execFileSync } from 'node:child_process';
import { openGitStore } from '../../adapters/git-cli/open.js';
import { GitMemoryStore } from '../../adapters/git-memory/open.js';
import { openNodegitStore } from '../../adapters/nodegit/open.js';
import type { Base } from '../../domain/ledger/transaction/transaction.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Corpus } from '../corpus.js';

/** One store on its own copy of the same repository, and where its ledger stands. */
export interface Side {
  readonly name: string;
  readonly store: GitStore;
  base: Base;
}

/** The three stores, the one that every profile names first; without nodegit where that isn't installed. */
export async function openSides({ base, env, copy }: Corpus): Promise<Side[]> {
  const cli = await openGitStore({ directory: copy(), env });
  const nodegit = await openNodegitStore({ directory: copy(), env }).catch((error: Error) => {
    console.log(`without nodegit: ${error.message} (npm run with-nodegit)`);
    return null;
  });
  return [
    { name: 'git-cli', store: cli, base },
    ...(nodegit === null ? [] : [{ name: 'nodegit', store: nodegit, base }]),
    { name: 'git-memory', store: await inMemory(cli, env), base },
  ];
}

/** Every object and ref of a repository, in memory. */
async function inMemory(store: GitStore & { readonly gitDir: string }, env: Readonly<Record<string, string>>): Promise<GitStore> {
  const memory = new GitMemoryStore(store.objectFormat);
  const args = ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)', '--unordered'];
  const oids = execFileSync('git', args, { cwd: store.gitDir, env, encoding: 'utf8', maxBuffer: 1 << 28 })
    .trim()
    .split('\n');
  for (let at = 0; at < oids.length; at += 10_000) {
    const objects = await store.read(oids.slice(at, at + 10_000));
    await memory.write(objects.flatMap((object) => (object === null ? [] : [object])));
  }
  const refs = await store.refs(['refs/']);
  await memory.updateRefs(
    [...refs].map(([ref, next]) => ({ ref, old: null, next })),
    'bench',
  );
  return memory;
}
