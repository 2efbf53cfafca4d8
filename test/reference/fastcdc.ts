import { createHash } from 'node:crypto';

/**
 * FastCDC 2020, algorithm 2, transcribed as the paper has it (two bytes at a time, shifted gear and masks) with BigInt, over
 * bytes that are all in memory. Slow, and independent of the adapter: it is what the adapter is compared with.
 */
export interface ReferenceParameters {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly nc: number;
  readonly seed: bigint;
}

export interface ReferenceChunk {
  readonly length: number;
  /** The gear hash at the cut, as implementations publish it. */
  readonly hash: bigint;
}

export const GEAR: readonly bigint[] = Array.from({ length: 256 }, (_, value) =>
  createHash('md5').update(Buffer.alloc(64, value)).digest().readBigUInt64BE(),
);

/** Which bits each mask has, the lowest first: the mask for 2^(i + 5) bytes. */
const MASK_BITS = [
  [4, 8, 14, 23, 24],
  [4, 8, 12, 13, 23, 24],
  [8, 12, 14, 16, 17, 27, 28],
  [8, 9, 12, 14, 16, 17, 35, 36],
  [12, 13, 16, 18, 20, 21, 36, 39, 40],
  [16, 17, 20, 22, 24, 25, 40, 43, 44, 46],
  [16, 17, 20, 22, 24, 25, 40, 43, 44, 46, 47],
  [16, 17, 20, 22, 24, 25, 32, 40, 43, 44, 46, 47],
  [16, 17, 20, 22, 24, 25, 32, 33, 40, 43, 44, 46, 47],
  [16, 17, 20, 22, 24, 25, 28, 32, 33, 40, 43, 44, 46, 47],
  [16, 17, 20, 22, 24, 25, 32, 33, 34, 35, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 32, 33, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 32, 33, 34, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 26, 32, 33, 34, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 26, 32, 33, 34, 36, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 26, 30, 32, 33, 34, 36, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 26, 29, 30, 32, 33, 34, 36, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 26, 29, 30, 32, 33, 34, 36, 37, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 20, 22, 24, 25, 26, 28, 29, 30, 32, 33, 34, 36, 37, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 18, 20, 22, 24, 25, 26, 28, 29, 30, 32, 33, 34, 36, 37, 40, 43, 44, 46, 47],
  [12, 13, 14, 16, 17, 18, 20, 22, 24, 25, 26, 28, 29, 30, 32, 33, 34, 36, 37, 40, 41, 43, 44, 46, 47],
] as const;

export const MASKS: readonly bigint[] = [
  ...Array.from({ length: 5 }, () => 0n),
  ...MASK_BITS.map((bits) => bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)),
];

export function referenceChunks(bytes: Uint8Array, parameters: ReferenceParameters): ReferenceChunk[] {
  const chunks: ReferenceChunk[] = [];
  for (let at = 0; at < bytes.length; ) {
    const chunk = cut(bytes.subarray(at), parameters);
    chunks.push(chunk);
    at += chunk.length;
  }
  return chunks;
}

function cut(source: Uint8Array, { min, avg, max, nc, seed }: ReferenceParameters): ReferenceChunk {
  const bits = Math.round(Math.log2(avg));
  const maskSmall = MASKS[bits + nc] as bigint;
  const maskLarge = MASKS[bits - nc] as bigint;
  const gear = (at: number): bigint => (GEAR[source[at] as number] as bigint) ^ seed;

  if (source.length <= min) return { length: source.length, hash: 0n };
  const remaining = Math.min(source.length, max);
  const centre = Math.min(remaining, avg);
  let hash = 0n;
  for (let pair = Math.floor(min / 2); pair < Math.floor(remaining / 2); pair += 1) {
    const mask = pair < Math.floor(centre / 2) ? maskSmall : maskLarge;
    hash = BigInt.asUintN(64, (hash << 2n) + (gear(2 * pair) << 1n));
    if ((hash & (mask << 1n)) === 0n) return { length: 2 * pair, hash };
    hash = BigInt.asUintN(64, hash + gear(2 * pair + 1));
    if ((hash & mask) === 0n) return { length: 2 * pair + 1, hash };
  }
  return { length: remaining, hash };
}
