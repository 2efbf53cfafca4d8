import { createHash } from 'node:crypto';
import { fastCdcChunker } from '../../adapters/chunker-fastcdc/open.js';
import { seededBytes } from '../../test/reference/seeded-bytes.js';
import { type RangeCost, rangeCost } from './ranges.js';

/** A part of a value: where it lies, and what it is called by. */
export interface Span {
  readonly offset: number;
  readonly length: number;
  readonly digest: string;
}

export interface Edit {
  readonly name: string;
  /** How many places are edited; together they are `share` of the value. */
  readonly places: number;
  readonly insert: boolean;
}

export const EDITS: readonly Edit[] = [
  { name: '1 overwrite', places: 1, insert: false },
  { name: '1 insert', places: 1, insert: true },
  { name: '10 overwrites', places: 10, insert: false },
  { name: '50 overwrites', places: 50, insert: false },
  { name: '500 overwrites', places: 500, insert: false },
];

export interface Trial extends RangeCost {
  /** Bytes of the chunks that the old value does not have. */
  readonly newBytes: number;
  readonly newChunks: number;
}

/** A value of `size` random bytes, chunked, and each edit of `share` of it beside it. A trial with the same seed is the same. */
export async function trials(seed: number, size: number, share: number): Promise<Map<string, Trial>> {
  const old = seededBytes(seed * 1000, size);
  const spans: Span[] = [];
  for await (const { span } of chunked([old])) spans.push(span);
  const known = new Set(spans.map((span) => span.digest));
  const results = new Map<string, Trial>();
  for (const [index, edit] of EDITS.entries()) {
    const made: Uint8Array[] = [];
    const kept = new Set<string>();
    for await (const { bytes, span } of chunked(edited(old, edit, share, seed * 1000 + 1 + index))) {
      if (known.has(span.digest)) kept.add(span.digest);
      else made.push(bytes);
    }
    const gone = spans.filter((span) => !kept.has(span.digest));
    results.set(edit.name, {
      newBytes: made.reduce((sum, bytes) => sum + bytes.length, 0),
      newChunks: made.length,
      ...(await rangeCost(old, spans, gone, made)),
    });
  }
  return results;
}

async function* chunked(input: Iterable<Uint8Array>): AsyncIterable<{ bytes: Uint8Array; span: Span }> {
  let offset = 0;
  for await (const bytes of fastCdcChunker().chunks(input)) {
    yield { bytes, span: { offset, length: bytes.length, digest: createHash('sha256').update(bytes).digest('hex') } };
    offset += bytes.length;
  }
}

/** The new value in pieces. The places are equally long, do not overlap, and are spread at random. */
export function edited(old: Buffer, { places, insert }: Edit, share: number, seed: number): Uint8Array[] {
  const length = Math.floor((old.length * share) / places);
  const fresh = seededBytes(seed, length * places + 8 * places);
  const room = insert ? old.length : old.length - length * places;
  const draws = Array.from({ length: places }, (_, place) => fresh.readUInt32BE(length * places + 8 * place) / 2 ** 32);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [place, draw] of draws.toSorted((a, b) => a - b).entries()) {
    const start = Math.floor(draw * room) + (insert ? 0 : place * length);
    pieces.push(old.subarray(at, start), fresh.subarray(place * length, (place + 1) * length));
    at = insert ? start : start + length;
  }
  return [...pieces, old.subarray(at)];
}
