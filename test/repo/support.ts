import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type GitCliStore, openGitStore } from '../../adapters/git-cli/open.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { memoryStore, type GitMemoryStore } from '../../adapters/git-memory/open.js';
import type { Repository } from '../../domain/repo/facade.js';
import { openRepository } from '../../domain/repo/repository.js';
import { copyRefs } from '../../domain/repo/transfer/copy.js';
import type { Person, RepositoryParts } from '../../domain/repo/types.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { SeededRandomness, TestClock } from '../support/memory/memory.js';
import { temporaryFolder } from '../support/temporary.js';

export const ANNA: Person = { name: 'Anna', email: 'anna@example.org' };
export const BEN: Person = { name: 'Ben', email: 'ben@example.org' };

export interface TestRepository {
  readonly repo: Repository;
  readonly store: GitMemoryStore;
  readonly clock: TestClock;
}

/** A repository in memory, with a clock that the test moves. */
export function testRepository(
  format: ObjectFormat = 'sha1',
  options: Partial<Pick<RepositoryParts, 'limits' | 'beforeCommit'>> & { readonly room?: number } = {},
): TestRepository {
  const { room = Infinity, ...parts } = options;
  const store = memoryStore(format, { repository: room, process: Infinity });
  const clock = new TestClock(Date.UTC(2026, 0, 2, 3, 4, 5));
  return {
    repo: openRepository({ store, hasher: nodeHasher(), clock, randomness: new SeededRandomness(7), ...parts }),
    store,
    clock,
  };
}

/** A bare repository that git knows, to hold what is in memory against. */
export interface Oracle {
  readonly path: string;
  readonly store: GitCliStore;
  /** Brings all branches and tags of a repository over. */
  take(store: GitMemoryStore): Promise<void>;
  git(...args: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

const run = promisify(execFile);

export async function oracle(format: ObjectFormat = 'sha1'): Promise<Oracle> {
  const folder = await temporaryFolder();
  const env = isolatedEnv(folder.path, 'Git');
  const path = `${folder.path}/bare.git`;
  await run('git', ['init', '--quiet', '--bare', `--object-format=${format}`, '--initial-branch=main', path], { env });
  const store = await openGitStore({ directory: path, env });
  return {
    path,
    store,
    take: async (from) => void (await copyRefs(from, store)),
    git: async (...args) =>
      (await run('git', ['--git-dir', path, ...args], { env, encoding: 'utf8', maxBuffer: 2 ** 28 })).stdout,
    remove: async () => {
      await store.close();
      await folder.remove();
    },
  };
}

/** Numbers that follow from a seed (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const WORDS = [
  'if (ready) {',
  '}',
  'return value;',
  'const a = 1;',
  'call(b, c);',
  '',
  '  ',
  '/* note */',
  'else',
  'function f() {',
  '_x:',
  '$y',
  '#',
];

/** Lines as programs have them: few different ones, indented, some blank. */
export function someLines(random: (below: number) => number, count: number): string[] {
  return Array.from({ length: count }, () => {
    const word = WORDS[random(WORDS.length)] as string;
    const indent = word === '' ? '' : random(5) === 0 ? '\t'.repeat(random(3)) : '  '.repeat(random(4));
    return `${indent}${random(4) === 0 ? `${word} ${random(1000)}` : word}`;
  });
}

/** Lines that others became: some put in, taken out, changed, moved or doubled. */
export function edited(random: (below: number) => number, lines: readonly string[], times: number): string[] {
  const out = [...lines];
  for (let i = 0; i < times; i++) {
    const at = random(out.length + 1);
    const count = 1 + random(random(4) === 0 ? 12 : 3);
    const kind = random(5);
    if (kind === 0) out.splice(at, 0, ...someLines(random, count));
    else if (kind === 1) out.splice(at, count);
    else if (kind === 2) out.splice(at, count, ...someLines(random, count));
    else if (kind === 3) out.splice(random(out.length + 1), 0, ...out.splice(at, count));
    else out.splice(at, 0, ...out.slice(at, at + count));
  }
  return out;
}

/** A file of these lines; one in five has no newline at its end, one in eight ends its lines in CR LF. */
export function asFile(random: (below: number) => number, lines: readonly string[]): string {
  const end = random(8) === 0 ? '\r\n' : '\n';
  return lines.join(end) + (random(5) === 0 || lines.length === 0 ? '' : end);
}
