import { KvError } from '../../ports/index.js';

/** FastCDC's parameters; sizes in bytes. */
export interface FastCdcParameters {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  /** The normalisation level: by how many bits the mask is harder before `avg` and easier after it. */
  readonly nc: number;
  /** XORed into every entry of the gear table: an unsigned 64-bit number. */
  readonly seed: bigint;
}

/** The bounds of the published implementations; both ends are allowed. */
export const BOUNDS = {
  min: [64, 1024 * 1024],
  avg: [256, 4 * 1024 * 1024],
  max: [1024, 16 * 1024 * 1024],
  nc: [0, 3],
} as const;

/** The masks that implementations share, for 2^i bytes, i from 5 to 25. Their bits are spread by hand: there is no formula. */
const FIRST_MASK = 5;
const MASKS = [
  0x000001804110n,
  0x000001803110n,
  0x000018035100n,
  0x001800035300n,
  0x019000353000n,
  0x590003530000n,
  0xd90003530000n,
  0xd90103530000n,
  0xd90303530000n,
  0xd90313530000n,
  0xd90f03530000n,
  0xd90303537000n,
  0xd90703537000n,
  0xd90707537000n,
  0xd91707537000n,
  0xd91747537000n,
  0xd91767537000n,
  0xd93767537000n,
  0xd93777537000n,
  0xd93777577000n,
  0xdb3777577000n,
];

/** Throws `CONFIG_INVALID` for parameters that are out of bounds or out of order. */
export function checkParameters({ min, avg, max, nc, seed }: FastCdcParameters): void {
  for (const [name, value] of Object.entries({ min, avg, max, nc })) {
    const [least, most] = BOUNDS[name as keyof typeof BOUNDS];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw invalid(`${name} ${value} is not a whole number from ${least} to ${most}`);
    }
  }
  if (min > avg || avg > max) throw invalid(`min ${min}, avg ${avg} and max ${max} are not in ascending order`);
  if (BigInt.asUintN(64, seed) !== seed) throw invalid(`seed ${seed} is not an unsigned 64-bit number`);
}

/** The masks before and after `avg`, for checked parameters: the first is met less often, the second more often. */
export function masks({ avg, nc }: FastCdcParameters): { before: bigint; after: bigint } {
  const bits = Math.round(Math.log2(avg));
  return { before: mask(bits + nc), after: mask(bits - nc) };
}

function mask(bits: number): bigint {
  return MASKS[bits - FIRST_MASK] as bigint; // BOUNDS keep it within the table
}

function invalid(what: string): KvError {
  return new KvError('CONFIG_INVALID', `fastcdc: ${what}`, { hint: 'correct the chunking parameters' });
}
