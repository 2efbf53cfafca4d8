import { createHash } from 'node:crypto';

/** Bytes that follow from a seed, the same in every run. */
export function seededBytes(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: Math.max(1, length) })
    .update(seed)
    .digest()
    .subarray(0, length);
}

/** A whole number from 0 to below `limit` that follows from a seed. */
export function seededNumber(seed: string, limit: number): number {
  return seededBytes(seed, 4).readUInt32BE() % limit;
}

/** Inputs of every length up to a bound: random, repeated, and all the same byte. */
export function sampleInputs(count: number, bound: number): Buffer[] {
  return Array.from({ length: count }, (_, at) => {
    const length = seededNumber(`length ${at}`, at < count / 4 ? 20 : bound + 1);
    if (at % 3 === 0) return Buffer.alloc(length, seededBytes(`pattern ${at}`, 1 + seededNumber(`period ${at}`, 40)));
    return at % 7 === 1 ? Buffer.alloc(length) : seededBytes(`bytes ${at}`, length);
  });
}
