import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterServer } from '../../test/support/worlds/cluster-server.js';
import { until } from '../../test/support/until.js';
import { memoryOf, type Place } from './place.js';

/** What coming level took of a server that was away for long, while others go on writing. */
export interface LongAway {
  readonly transactions: number;
  /** In how many entries they were decided. */
  readonly entries: number;
  /** How long they took to be written, s. */
  readonly written: number;
  /** From when the server serves until it stands where its leader does, s. */
  readonly seconds: number;
  /** What its objects and its journal grew by meanwhile, MiB. */
  readonly mebibytes: number;
  /** Writes that were accepted while it came level. */
  readonly meanwhile: number;
  /** The leader before the server came back, and at most; and the server at most: MiB of memory. */
  readonly leaderBefore: number;
  readonly leaderMost: number;
  readonly behindMost: number;
  /** How long the journals of the two are then, MiB. */
  readonly leaderJournal: number;
  readonly behindJournal: number;
}

/** So many writes are under way at a time: what is away for long is away from a crowd. */
const CROWD = 256;
/** And so many while the server comes back. */
const MEANWHILE = 8;
/** How long a transaction may take at the least that coming level is waited for, ms. */
const PATIENCE_MS = 50;
const LEAST_MS = 120_000;
const MIB = 1024 ** 2;

/**
 * Stops a standby, has `transactions` written without it, or as many as `withinMs` allows, starts it again, and waits until it stands where
 * its leader does though writes go on; in the end all show the same.
 */
export async function longAway(
  { world }: Place,
  transactions: number,
  withinMs: number,
  write: (key: string) => Promise<unknown>,
): Promise<LongAway> {
  const leader = await world.leader();
  const behind = world.servers.find((server) => server !== leader) as ClusterServer; // there are three
  const from = await positionOf(world, behind);
  await behind.stop('SIGKILL');
  let next = 0;
  const began = performance.now();
  const crowd = async (): Promise<void> => {
    while (next < transactions && performance.now() - began < withinMs) await write(`away:${next++}`);
  };
  await Promise.all(Array.from({ length: CROWD }, crowd));
  const written = (performance.now() - began) / 1000;
  const entries = (await positionOf(world, leader)) - from;
  const before = await memoryOf(leader);
  const size = await bytesIn(behind.repo);

  behind.start();
  await behind.ready();
  const started = performance.now();
  let meanwhile = 0;
  let level = false;
  const going = async (at: number): Promise<void> => {
    for (let round = 0; !level; round++) {
      await write(`meanwhile:${at}:${round}`);
      if (!level) meanwhile++;
    }
  };
  const writers = Promise.all(Array.from({ length: MEANWHILE }, (_, at) => going(at)));
  const standsThere = async (): Promise<boolean> => {
    const there = await positionOf(world, leader);
    return (await positionOf(world, behind)) >= there;
  };
  try {
    await until('the server is level', standsThere, { ms: Math.max(LEAST_MS, next * PATIENCE_MS), clue: () => world.logs() });
  } finally {
    level = true;
  }
  const seconds = (performance.now() - started) / 1000;
  await writers;
  await world.level();
  return {
    ...{ transactions: next, entries, written, seconds, meanwhile },
    mebibytes: ((await bytesIn(behind.repo)) - size) / MIB,
    leaderBefore: before.now,
    leaderMost: (await memoryOf(leader)).most,
    behindMost: (await memoryOf(behind)).most,
    leaderJournal: (await journalOf(leader)) / MIB,
    behindJournal: (await journalOf(behind)) / MIB,
  };
}

/** The sequence of the entry that a server's refs stand at. */
async function positionOf(world: Place['world'], { repo }: ClusterServer): Promise<number> {
  const { stdout } = await world.must('git', ['-C', repo, 'cat-file', 'blob', 'refs/kv-leader']);
  return (JSON.parse(stdout) as { readonly sequence: number }).sequence;
}

async function journalOf({ repo }: ClusterServer): Promise<number> {
  return (await stat(join(repo, '.stargate', 'journal.ndjson'))).size;
}

/** What the files below a folder hold, while others may remove some of them. */
async function bytesIn(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      sum += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  return sum;
}
