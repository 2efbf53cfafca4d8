import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { World } from '../test/support/worlds/world.js';
import { round, timed } from './report.js';

/** How long a step of a bench may take on a slow machine. ms. */
export const PATIENCE = 900_000;

/** What a clone holds. Sizes in bytes. */
export interface Stored {
  readonly objects: number;
  /** Of all packs with their indexes, and of all loose objects. */
  readonly objectBytes: number;
  /** What `du` counts of the objects' folder: whole blocks. */
  readonly diskBytes: number;
}

export interface FreshClone extends Stored {
  readonly name: string;
  /** Of `git clone`, `git kv remote setup` and `git fetch`, together. */
  readonly ms: number;
}

/**
 * Clones the mirror as the README has it, with what `git fetch` brings by default; no hard links, since the mirror's address is
 * a URL. Give `discard` what is not looked at any more.
 */
export async function freshClone(world: World, name: string, { blobless = false } = {}): Promise<FreshClone> {
  const path = world.clonePath(name);
  const filter = blobless ? ['--filter=blob:none'] : [];
  const ms = await timed(async () => {
    must(await world.git(world.dir, 'ada', ['clone', '-q', ...filter, `file://${world.mirror}`, path]));
    must(await world.kv(name, ['remote', 'setup'], { person: 'ada' }));
    must(await world.git(path, 'ada', ['fetch', '-q'], { timeout: PATIENCE }));
  });
  return { name, ms, ...(await stored(join(path, '.git'))) };
}

export function discard(world: World, { name }: { readonly name: string }): Promise<void> {
  return rm(world.clonePath(name), { recursive: true, force: true, maxRetries: 5 });
}

/** What a repository holds by now. `gitDir` is its folder of refs and objects. */
export async function stored(gitDir: string): Promise<Stored> {
  const { stdout } = await run('git', ['-C', gitDir, 'count-objects', '-v']);
  const count = (field: string): number => Number(new RegExp(`^${field}: (\\d+)$`, 'm').exec(stdout)?.[1]);
  const du = await run('du', ['-s', '--block-size=1', join(gitDir, 'objects')]);
  return {
    objects: count('count') + count('in-pack'),
    objectBytes: 1024 * (count('size') + count('size-pack')),
    diskBytes: Number(du.stdout.split('\t')[0]),
  };
}

/** Waits until the mirror shows everything: a large push takes it longer than a test would wait. */
export async function caughtUp(world: World): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await world.mirrored();
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

/** Fails with what a command complained of. */
export function must<T extends { readonly code: number; readonly stdout: string; readonly stderr: string }>(ran: T): T {
  if (ran.code !== 0) throw new Error(ran.stderr || ran.stdout);
  return ran;
}

/** Millions of bytes. */
export function megabytes(bytes: number): number {
  return round(bytes / 1e6, 2);
}

export function seconds(ms: number): number {
  return round(ms / 1000, 2);
}

const run = promisify(execFile);
