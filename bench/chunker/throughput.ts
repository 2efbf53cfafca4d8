import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fastCdcChunker } from '../../adapters/chunker-fastcdc/open.js';
import { seededBytes } from '../../test/reference/seeded-bytes.js';
import { median } from './statistics.js';
import type { Store } from './stores.js';

export interface Throughput {
  readonly what: string;
  readonly seconds: number;
  /** Millions of bytes a second. */
  readonly megabytesPerSecond: number;
}

/**
 * Each way over the same file of `size` bytes, in turn, `rounds` times; medians. The file is in the page cache. Ways that keep it
 * too are run `storeRounds` times.
 */
export async function throughput(
  size: number,
  rounds: number,
  keep: readonly Store[],
  storeRounds: number,
): Promise<Throughput[]> {
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-bench-'));
  const file = join(folder, 'random');
  try {
    await writeRandom(file, size);
    const ways: [string, () => Promise<unknown>][] = [
      ['sha256sum', async () => execFileSync('sha256sum', [file])],
      ['read only', () => consume(pieces(file), () => undefined)],
      ['read, sha256', () => hashed(pieces(file))],
      ['read, chunk', () => consume(fastCdcChunker().chunks(pieces(file)), () => undefined)],
      ['read, chunk, sha256', () => hashedEach(fastCdcChunker().chunks(pieces(file)))],
    ];
    const seconds = new Map<string, number[]>(ways.map(([what]) => [what, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [what, run] of ways) {
        const from = performance.now();
        await run();
        seconds.get(what)?.push((performance.now() - from) / 1000);
      }
    }
    for (const { what } of keep) seconds.set(what, []);
    for (let round = 0; round < storeRounds; round += 1) {
      for (const { what, add } of keep) seconds.get(what)?.push((await add(file)) / 1000);
    }
    return [...seconds.keys()].map((what) => {
      const middle = median(seconds.get(what) ?? []);
      return { what, seconds: middle, megabytesPerSecond: size / middle / 1e6 };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function pieces(file: string): AsyncIterable<Buffer> {
  return createReadStream(file, { highWaterMark: 1024 * 1024 });
}

async function hashed(input: AsyncIterable<Uint8Array>): Promise<void> {
  const hash = createHash('sha256');
  await consume(input, (piece) => hash.update(piece));
  hash.digest();
}

async function hashedEach(input: AsyncIterable<Uint8Array>): Promise<void> {
  await consume(input, (chunk) => createHash('sha256').update(chunk).digest('hex'));
}

async function consume(input: AsyncIterable<Uint8Array>, take: (piece: Uint8Array) => unknown): Promise<void> {
  for await (const piece of input) take(piece);
}

async function writeRandom(file: string, size: number): Promise<void> {
  const STEP = 16_000_000;
  const handle = await open(file, 'w');
  try {
    for (let at = 0; at < size; at += STEP) await handle.writeFile(seededBytes(at, Math.min(STEP, size - at)));
  } finally {
    await handle.close();
  }
}
