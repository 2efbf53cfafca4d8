import type { World } from '../../test/support/worlds/world.js';
import { type Table, timed } from '../report.js';
import { must } from './must.js';
import { settled } from './settled.js';

const RUNS = 15;
/** So many writes to each ledger come before, after which the Stargate packs what it was filled with: no part of what a write costs later. */
const FIRST = 30;

/** Times of single commands as whole processes, ms. */
interface OneWrite {
  readonly set: number[];
  readonly intent: number[];
  readonly get: number[];
}

/** A table for each command, with a row for each World. */
export async function measured(worlds: ReadonlyMap<string, World>): Promise<Table[]> {
  const times = await oneWrite(worlds);
  const rows = (part: keyof OneWrite) => [...times].map(([what, one]) => ({ what, samples: one[part] }));
  return [
    { title: 'git kv set of one key, linear ledger', rows: rows('set') },
    { title: 'git kv set of one key, sequenced ledger', rows: rows('intent') },
    { title: "git kv get after another's write", rows: rows('get') },
  ];
}

export async function closeAll(worlds: ReadonlyMap<string, World>): Promise<void> {
  for (const world of worlds.values()) await world.close();
}

/**
 * One write of a key to the linear ledger `main`, one to the sequenced `seq`, and the first read in another clone after it, again and again,
 * in each World in turn: what a machine does to one of them, it does to all. The mirror lies on this machine too, and its Git looks through
 * all that it has: it is waited for in between.
 */
async function oneWrite(worlds: ReadonlyMap<string, World>): Promise<Map<string, OneWrite>> {
  for (const world of worlds.values()) await prepare(world);
  const times = new Map<string, OneWrite>([...worlds.keys()].map((name) => [name, { set: [], intent: [], get: [] }]));
  for (let i = 0; i < RUNS; i++) {
    for (const [name, world] of worlds) await measure(world, i, times.get(name) as OneWrite);
  }
  return times;
}

async function prepare(world: World): Promise<void> {
  for (const clone of ['reader', 'other']) await must(world, clone, ['get', 'user:1']);
  for (let i = 0; i < FIRST; i++) {
    for (const ns of ['main', 'seq']) await must(world, 'other', ['set', 'user:1', `first ${i}`, '--ns', ns]);
  }
  await settled(world);
  await must(world, 'reader', ['get', 'user:1']);
}

async function measure(world: World, i: number, times: OneWrite): Promise<void> {
  await settled(world);
  times.set.push(await timed(() => must(world, 'other', ['set', 'user:1', `write ${i}`])));
  await world.mirrored();
  times.intent.push(await timed(() => must(world, 'other', ['set', 'user:1', `write ${i}`, '--ns', 'seq'])));
  await world.mirrored();
  times.get.push(await timed(() => must(world, 'reader', ['get', 'user:1'])));
}
