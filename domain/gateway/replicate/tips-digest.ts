import type { Hasher } from '../../../ports/hasher.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { utf8 } from '../../git/bytes.js';
import type { DigestAfter } from './entry.js';

const MODULUS = 1n << 256n;

/** The digest of a repository without a ref. */
export const NO_TIPS = '0'.repeat(64);

/**
 * The digest of a set of tips: the sum, modulo 2^256, of the SHA-256 of each `ref NUL oid`. A sum, because a move of one ref then costs two
 * hashes and not one of all refs, on whatever server and in whatever order it is done. It tells servers apart that have drifted; it is no
 * defence against a member that lies, of which there is none among those that authenticate.
 */
export class TipsDigest {
  constructor(private readonly hasher: Hasher) {}

  /** The digest of all tips, for a server that has no digest to start from. */
  of(tips: ReadonlyMap<RefName, Oid>): string {
    let sum = 0n;
    for (const [ref, oid] of tips) sum += this.term(ref, oid);
    return asHex(sum);
  }

  /** The digest after moves, given the one before. */
  readonly after: DigestAfter = (before: string, moves: readonly RefUpdate[]): string => {
    let sum = BigInt(`0x${before || '0'}`);
    for (const { ref, old, next } of moves) {
      if (old !== null) sum -= this.term(ref, old);
      if (next !== null) sum += this.term(ref, next);
    }
    return asHex(sum);
  };

  private term(ref: RefName, oid: Oid): bigint {
    return BigInt(`0x${this.hasher.hex('sha256', utf8(`${ref}\0${oid}`))}`);
  }
}

const asHex = (sum: bigint): string => (((sum % MODULUS) + MODULUS) % MODULUS).toString(16).padStart(64, '0');
