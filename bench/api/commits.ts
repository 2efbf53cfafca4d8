import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { open as openBare } from '../../adapters/git-cli/open-bare.js';
import { memoryStore } from '../../adapters/git-memory/open.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { utf8 } from '../../domain/git/bytes.js';
import type { Repository } from '../../domain/repo/facade.js';
import { openMemoryFirst } from '../../domain/repo/persist/memory-first.js';
import { openRepository } from '../../domain/repo/repository.js';
import type { GitStore } from '../../ports/git/git-store.js';
import { isolatedEnv } from '../../test/support/worlds/isolated-env.js';
import { isomorphicGit, MemoryFiles } from './isomorphic.js';
import { quantile, round, type Sheet } from '../report.js';

const AUTHOR = { name: 'Dev', email: 'dev@example.com' };
const UNLIMITED = { repository: Infinity, process: Infinity };
const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
const randomness = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };

type Row = Sheet['rows'][number];

/** A repository in memory, or with another store behind it. */
export async function repositoryOn(durable: GitStore | null): Promise<Repository> {
  const memory = memoryStore('sha1', UNLIMITED);
  const store = durable === null ? memory : await openMemoryFirst(memory, durable);
  return openRepository({ store, hasher: nodeHasher(), clock, randomness });
}

/** Paths of so many files: a hundred directories, unless there is one. */
const pathsOf = (files: number): string[] => Array.from({ length: files }, (_, i) => (files === 1 ? 'a' : `d${i % 100}/f${i}`));

async function filled(repository: Repository, files: number): Promise<string[]> {
  const paths = pathsOf(files);
  await repository.add(...paths.map((path, i) => ({ path, content: `v${i}` })));
  await repository.commit({ message: 'base', author: AUTHOR });
  return paths;
}

/** Wall time, and what of it this process computed, of one of many. Microseconds. */
async function each(count: number, work: (i: number) => Promise<unknown>): Promise<{ wall: number; busy: number }> {
  const before = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < count; i++) await work(i);
  const wall = ((performance.now() - start) * 1000) / count;
  return { wall, busy: process.cpuUsage(before).user / count };
}

const row = (what: string, { wall, busy }: { wall: number; busy: number }, durable: string): Row => [
  what,
  round(wall),
  round(busy),
  Math.round(1_000_000 / wall),
  durable,
];

/** One changed file a commit, by one writer and by many, beside git's own processes. */
export async function commits(folder: string, count: number): Promise<Sheet> {
  const rows: Row[] = [];
  for (const files of [1, 10_000]) {
    const named = `${files.toLocaleString('en')} ${files === 1 ? 'file' : 'files'}`;
    const memory = await repositoryOn(null);
    const paths = await filled(memory, files);
    const change = (repository: Repository, i: number) =>
      repository.commitChanges(
        'main',
        { put: [{ path: paths[i % files] ?? '', content: utf8(`n${i} ${files}`) }] },
        { message: 'change', author: AUTHOR },
      );
    await each(count, (i) => change(memory, i)); // the engine compiles what is hot
    rows.push(row(`${named}, in memory`, await each(count, (i) => change(memory, i + count)), 'nothing'));
    await memory.close();

    const directory = join(folder, `kept-${files}.git`);
    const context = { directory: '/', env: process.env, get: never, open: never };
    const kept = await repositoryOn(await openBare({ directory, create: 'sha1' }, context));
    await filled(kept, files);
    rows.push(row(`${named}, kept`, await each(Math.ceil(count / 200), (i) => change(kept, i)), 'each commit: pack, fsync, ref'));
    const start = performance.now();
    const together = Math.ceil(count / 20);
    await Promise.all(Array.from({ length: together }, (_, i) => change(kept, i + count)));
    const wall = ((performance.now() - start) * 1000) / together;
    rows.push([`${named}, kept, all at once`, round(wall), '', Math.round(1_000_000 / wall), 'each commit, many in a pack']);
    rows.push(row(`${named}, git commit-tree and update-ref`, await byProcesses(directory, 30), 'each commit: loose objects'));
    await kept.close();
    rows.push(await byIsomorphicGit(named, paths, files === 1 ? Math.ceil(count / 100) : 5));
  }
  const columns = ['µs a commit', 'µs of it computing', 'commits/s', 'durable'];
  return { title: 'A commit of one changed file, in process', columns, rows };
}

const never = (): Promise<never> => Promise.reject(new Error('no other adapter is here'));

/** What a script would do: the commit of an existing tree, and the ref. Three processes less than with an index. */
async function byProcesses(directory: string, count: number): Promise<{ wall: number; busy: number }> {
  const env = isolatedEnv('/nonexistent', 'Dev');
  const git = (...args: string[]): string =>
    execFileSync('git', ['--git-dir', directory, ...args], { env, encoding: 'utf8' }).trim();
  const tree = git('rev-parse', 'main^{tree}');
  let parent = git('rev-parse', 'main');
  return each(count, async (i) => {
    const next = git('commit-tree', tree, '-p', parent, '-m', String(i));
    git('update-ref', 'refs/heads/by-process', next);
    parent = next;
  });
}

/** The same by another library on a file system in memory: a file is written, staged and committed. */
async function byIsomorphicGit(named: string, paths: readonly string[], count: number): Promise<Row> {
  const what = `${named}, isomorphic-git in memory`;
  const git = isomorphicGit();
  if (git === null) return [what, 'not fetched', '', '', 'nothing'];
  const files = new MemoryFiles();
  const place = { fs: files, dir: '/tree', cache: {} };
  for (const folder of [
    '/tree',
    ...new Set(paths.filter((path) => path.includes('/')).map((path) => `/tree/${path.split('/')[0]}`)),
  ])
    await files.mkdir(folder);
  await git.init({ ...place, defaultBranch: 'main' });
  for (const [i, path] of paths.entries()) await files.writeFile(`/tree/${path}`, `v${i}`);
  await git.add({ ...place, filepath: [...paths] });
  await git.commit({ ...place, message: 'base', author: AUTHOR });
  const change = async (i: number): Promise<void> => {
    const path = paths[i % paths.length] ?? '';
    await files.writeFile(`/tree/${path}`, `n${i} ${paths.length}`);
    await git.add({ ...place, filepath: path });
    await git.commit({ ...place, message: 'change', author: AUTHOR });
  };
  await each(Math.ceil(count / 4), change);
  return row(what, await each(count, (i) => change(i + count)), 'nothing');
}

/** A server runs for days: the first rounds, in which V8 compiles, are not what it is like. */
const ROUNDS = 101;

/** What the other specification tells of its own: branches and realities made, and changes by many at once. */
export async function branches(): Promise<Sheet> {
  const repository = await repositoryOn(null);
  await filled(repository, 1000);
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const rows: Row[] = [];
  const samples: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const add = (what: string, ms: number): void => {
      samples[what] = [...(samples[what] ?? []), ms];
    };
    add(
      '1,000 branches',
      await timed(async () => Promise.all(numbers(1000).map((i) => repository.createBranch(`b${round}-${i}`)))),
    );
    add('100 realities', await timed(() => repository.createRealities(numbers(100).map((i) => `r${round}-${i}`))));
    const change = (i: number) =>
      repository.reality(`r${round}-${i}`).apply({ put: [{ path: 'd1/f1', content: `${i}` }], author: AUTHOR });
    add('100 changes in 100 realities', await timed(async () => Promise.all(numbers(100).map(change))));
    // Each round finds the repository as the first one did.
    for (const i of numbers(100)) repository.dropReality(`r${round}-${i}`);
    for (const i of numbers(1000)) await repository.deleteBranch(`b${round}-${i}`);
  }
  const theirs: Record<string, string> = {
    '1,000 branches': '1.3',
    '100 realities': '0.164',
    '100 changes in 100 realities': '1.2',
  };
  for (const [what, times] of Object.entries(samples)) rows.push([what, round(quantile(times, 0.5), 3), theirs[what] ?? '']);
  await repository.close();
  return { title: 'Branches and realities in memory', columns: ['p50 ms', 'ms, as another says of itself'], rows };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
