import type { World } from '../../test/support/worlds/world.js';
import { timed } from '../report.js';
import { settled } from './settled.js';

const RUNS = 9;
/** So many writes to each ledger come before, after which the Stargate packs what it was filled with: no part of what a write costs later. */
const FIRST = 30;

/** Times of single commands as whole processes, ms. */
export interface OneWrite {
  readonly set: number[];
  readonly intent: number[];
  readonly get: number[];
}

/** Runs a command in a clone; throws what it says when it fails. */
export async function must(world: World, clone: string, args: readonly string[], input?: string): Promise<void> {
  const { code, stderr } = await world.kv(clone, args, { person: 'ada', ...(input === undefined ? {} : { input }) });
  if (code !== 0) throw new Error(`git kv ${args[0]}: ${stderr}`);
}

/**
 * One write of a key to the linear ledger `main`, one to the sequenced `seq`, and the first read in another clone after it, again and again.
 * The mirror lies on this machine too, and its Git looks through all that it has: it is waited for in between.
 */
export async function oneWrite(world: World): Promise<OneWrite> {
  for (const clone of ['reader', 'other']) await must(world, clone, ['get', 'user:1']);
  for (let i = 0; i < FIRST; i++) {
    for (const ns of ['main', 'seq']) await must(world, 'other', ['set', 'user:1', `first ${i}`, '--ns', ns]);
  }
  await settled(world);
  await must(world, 'reader', ['get', 'user:1']);
  const times: OneWrite = { set: [], intent: [], get: [] };
  for (let i = 0; i < RUNS; i++) {
    times.set.push(await timed(() => must(world, 'other', ['set', 'user:1', `write ${i}`])));
    await world.mirrored();
    times.intent.push(await timed(() => must(world, 'other', ['set', 'user:1', `write ${i}`, '--ns', 'seq'])));
    await world.mirrored();
    times.get.push(await timed(() => must(world, 'reader', ['get', 'user:1'])));
  }
  return times;
}
