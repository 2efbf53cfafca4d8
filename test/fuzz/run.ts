import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import type { World } from '../support/worlds/world.js';
import { CASES, type Target } from './cases.js';
import { Seeded } from './seeded.js';

/** How long and from where. */
export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Only this one. */
  readonly only?: number;
  readonly target: Target;
}

/** What came of it. */
export interface FuzzReport {
  readonly cases: number;
  /** The most that the daemon's memory has been, and what it was before. Bytes. */
  readonly memory: { readonly before: number; readonly most: number };
  /** The slowest answer to `/healthz` meanwhile, ms. */
  readonly slowest: number;
}

const AT_ONCE = 4;
/** Between two looks at the daemon's health and memory, ms. */
const LOOK_EVERY = 250;
/** An answer that takes longer is none, ms. */
const DEAF = 10_000;

/** Throws cases at a Stargate, a few at a time, for some seconds. Throws when it ends or goes deaf, naming the cases at hand. */
export async function fuzz(world: World, { seconds, seed, only, target }: FuzzOptions): Promise<FuzzReport> {
  const names = Object.keys(CASES);
  const until = Date.now() + seconds * 1000;
  const atHand = new Map<number, string>();
  let recent: string[] = [];
  const one = async (number: number): Promise<void> => {
    const name = names[number % names.length] ?? '';
    atHand.set(number, name);
    const said = (await CASES[name]?.(new Seeded(seed, number), target)) ?? '';
    atHand.delete(number);
    recent = [...recent.slice(-15), `--seed ${seed} --case ${number} (${name}): ${JSON.stringify(said.slice(0, 300))}`];
  };
  let [next, over] = [0, false];
  const worker = async (): Promise<void> => {
    while (Date.now() < until && !over) await one(next++);
  };
  const before = await memoryOf(world);
  let [most, slowest] = [before, 0];
  const look = async (): Promise<void> => {
    while (!over) {
      slowest = Math.max(slowest, await health(target.http));
      most = Math.max(most, await memoryOf(world));
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  };
  const looking = look();
  looking.catch(() => (over = true)); // awaited below
  try {
    if (only === undefined) await Promise.all(Array.from({ length: AT_ONCE }, worker));
    else await one(only);
    over = true;
    await looking;
  } catch (error) {
    const cases = [...recent, ...[...atHand].map(([number, name]) => `--seed ${seed} --case ${number} (${name}), at hand`)];
    throw new Error(`${(error as Error).message}\nthe newest cases:\n${cases.join('\n')}\n${world.daemonLog().slice(-3000)}`);
  }
  return { cases: only === undefined ? next : 1, memory: { before, most }, slowest };
}

/** How long `/healthz` took, ms. Throws when it says nothing, or that something is wrong. */
function health(port: number): Promise<number> {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/healthz', agent: false, timeout: DEAF }, (response) => {
      response.resume();
      if (response.statusCode === 200) response.once('end', () => resolve(Date.now() - started));
      else reject(new Error(`/healthz says ${response.statusCode}`));
    });
    request.once('timeout', () => request.destroy(new Error(`/healthz says nothing for ${DEAF} ms`)));
    request.once('error', (error) => reject(new Error(`/healthz: ${error.message}`)));
  });
}

/** What the daemon's process has in memory, bytes. Throws when it has ended. */
async function memoryOf({ pid }: World): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => {
    throw new Error('the Stargate has ended');
  });
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
