import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ran, RunOptions } from '../../support/programs/processes.js';
import type { World } from '../../support/worlds/world.js';

/** A command's outcome, how often it went to a partial clone's remote for objects, and how long it took, ms. */
export interface Traced extends Ran {
  readonly fetches: number;
  readonly ms: number;
}

/** `git kv …` in a clone, each of its git processes noted. */
export async function traced(
  world: World,
  clone: string,
  args: readonly string[],
  options: RunOptions & { readonly person: string },
): Promise<Traced> {
  const folder = await mkdtemp(join(world.dir, 'trace-'));
  const started = performance.now();
  const ran = await world.kv(clone, args, { ...options, env: { ...options.env, GIT_TRACE2_EVENT: folder } });
  const ms = performance.now() - started;
  let fetches = 0;
  for (const name of await readdir(folder)) {
    const events = (await readFile(join(folder, name), 'utf8')).split('\n').filter((line) => line.startsWith('{'));
    fetches += events.map((line) => JSON.parse(line) as TraceEvent).filter(isPromisorFetch).length;
  }
  await rm(folder, { recursive: true });
  return { ...ran, fetches, ms };
}

interface TraceEvent {
  readonly event: string;
  readonly argv?: readonly string[];
}

/** git's own for a single object, or git-kv's for many: both leave the negotiation out. */
function isPromisorFetch({ event, argv = [] }: TraceEvent): boolean {
  return event === 'start' && argv.includes('fetch') && argv.includes('fetch.negotiationAlgorithm=noop');
}

/** A clone by `git clone` itself, from the mirror by its URL so that filters count, set up for a person. */
export async function cloneFromMirror(world: World, person: string, name: string, filter?: string): Promise<void> {
  const path = world.clonePath(name);
  const steps: string[][] = [
    ['clone', '-q', ...(filter === undefined ? [] : [`--filter=${filter}`]), `file://${world.mirror}`, path],
    ['-C', path, 'config', 'user.name', person],
    ['-C', path, 'config', 'user.email', `${person}@example.org`],
    ['-C', path, 'config', 'gpg.format', 'ssh'],
    ['-C', path, 'config', 'user.signingKey', world.key(person)],
    ['-C', path, 'config', 'gc.auto', '0'], // one that goes on in the background would still be at it when the clone is copied
  ];
  for (const step of steps) await must(world.git(world.dir, person, step), step.join(' '));
  await must(world.kv(name, ['remote', 'setup'], { person }), 'remote setup');
}

/** The outcome of what has to go well. */
export async function must<T extends Ran>(running: Promise<T>, what: string): Promise<T> {
  const ran = await running;
  if (ran.code !== 0) throw new Error(`${what}: ${ran.code}\n${ran.stderr}${ran.stdout}`);
  return ran;
}

export interface LedgerSize {
  readonly keys: number;
  /** Transactions after the first, each of one key. */
  readonly commits: number;
  /** Bytes of the value that lies in chunks. */
  readonly large: number;
}

/** Fills a namespace, from a person's complete clone, with what the commands of a partial one are tried on. */
export async function fillLedger(world: World, person: string, { keys, commits, large }: LedgerSize): Promise<void> {
  await must(world.git(world.mirror, person, ['config', 'uploadpack.allowFilter', 'true']), 'allowFilter');
  await world.clone(person);
  const kv = (args: readonly string[], input?: string | Uint8Array): Promise<Ran> =>
    must(world.kv(person, args, input === undefined ? {} : { input }), args.join(' '));
  const path = world.clonePath(person);
  // A mirror with a branch: git before 2.41 takes a SHA-256 repository without one for a SHA-1 one.
  await must(world.git(path, person, ['commit', '-q', '--allow-empty', '-m', 'one']), 'commit');
  await must(world.git(path, person, ['push', '-q', 'origin', 'main']), 'push');
  const lines = Array.from({ length: keys }, (_, i) => {
    const ttl = i % 50 === 7 ? { ttl: '400d' } : {};
    return JSON.stringify({ op: 'set', key: keyOf(i), value: `value ${i} of the first transaction`, ...ttl });
  });
  await kv(['mset', '--file', '-'], lines.join('\n'));
  for (let i = 0; i < commits; i++) await kv(['set', keyOf(0), `value ${i}`]);
  await kv(['del', keyOf(3)]);
  await kv(['set', 'large', '-'], bytes(large));
  await world.mirrored();
}

export const keyOf = (i: number): string => `user:${String(i).padStart(6, '0')}`;

/** Bytes that don't compress, the same each time. */
export function bytes(length: number): Uint8Array {
  const all = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    all[i] = state >>> 24;
  }
  return all;
}
