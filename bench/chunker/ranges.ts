import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { fastCdcChunker } from '../../adapters/chunker-fastcdc/open.js';
import type { Span } from './edits.js';

/**
 * What it would cost to store a new chunk as ranges of the old value's chunks and literal bytes. Not in the product. Old chunks
 * that the new value no longer has, and the new chunks, are cut again at about 4 KiB; equal pieces are ranges, and adjacent
 * ranges merge.
 */
export interface RangeCost {
  /** Bytes outside every range. */
  readonly literalBytes: number;
  /**
   * The same, after each range has grown byte by byte as far as old and new agree (needs the old bytes, not their digests
   * alone).
   */
  readonly grownLiteralBytes: number;
  /** Ranges and literals to be written down, when no range crosses from one old chunk into the next. */
  readonly entries: number;
  /** ENTRY_BYTES each. */
  readonly entryBytes: number;
  /**
   * Bytes of the old chunks that have to be read again to be cut; or, when that was kept at the first write: of the list of
   * pieces.
   */
  readonly rereadBytes: number;
  readonly pieceListBytes: number;
  /** Different old chunks that a reader of one new chunk has to open, on average. */
  readonly oldChunksPerNew: number;
  /** Bytes of the new chunks as Git deltas (REF_DELTA), each against the one old chunk that it shares most with. */
  readonly deltaBytes: number;
  readonly milliseconds: number;
}

const PIECES = { min: 1024, avg: 4096, max: 16_384, nc: 1 };
/** `{"c":"<index>","o":<offset>,"n":<length>},` in JSON. */
const ENTRY_BYTES = 40;
/** The first 8 bytes of a digest and a length, for each piece of every old chunk. */
const PIECE_BYTES = 12;

interface Range {
  /** Offsets in the new chunk, and in the old value. */
  at: number;
  from: number;
  length: number;
}

export async function rangeCost(
  old: Buffer,
  spans: readonly Span[],
  gone: readonly Span[],
  made: readonly Uint8Array[],
): Promise<RangeCost> {
  const began = performance.now();
  const known = new Map<string, number>();
  let pieces = 0;
  for (const span of gone) {
    for await (const { key, at } of cut(old.subarray(span.offset, span.offset + span.length))) {
      known.set(key, span.offset + at);
      pieces += 1;
    }
  }
  const cost = { literalBytes: 0, grownLiteralBytes: 0, entries: 0, opened: 0, deltaBytes: 0 };
  for (const chunk of made) {
    const ranges = await rangesOf(chunk, known);
    cost.literalBytes += chunk.length - covered(ranges);
    grow(chunk, old, ranges);
    cost.grownLiteralBytes += chunk.length - covered(ranges);
    const parts = splitAt(ranges, spans);
    cost.entries += parts.length + gaps(ranges, chunk.length);
    const shared = new Map<number, number>();
    for (const { base, length } of parts) shared.set(base, (shared.get(base) ?? 0) + length);
    cost.opened += shared.size;
    cost.deltaBytes += deltaSize(chunk.length, parts, shared);
  }
  const { opened, ...rest } = cost;
  return {
    ...rest,
    entryBytes: cost.entries * ENTRY_BYTES,
    rereadBytes: gone.reduce((sum, span) => sum + span.length, 0),
    pieceListBytes: Math.round(
      (pieces * PIECE_BYTES * old.length) /
        Math.max(
          1,
          gone.reduce((sum, span) => sum + span.length, 0),
        ),
    ),
    oldChunksPerNew: opened / Math.max(1, made.length),
    milliseconds: performance.now() - began,
  };
}

async function* cut(bytes: Uint8Array): AsyncIterable<{ key: string; at: number; length: number }> {
  let at = 0;
  for await (const piece of small.chunks([bytes])) {
    yield { key: createHash('sha1').update(piece).digest('base64'), at, length: piece.length };
    at += piece.length;
  }
}
const small = fastCdcChunker(PIECES);

async function rangesOf(chunk: Uint8Array, known: ReadonlyMap<string, number>): Promise<Range[]> {
  const ranges: Range[] = [];
  for await (const { key, at, length } of cut(chunk)) {
    const from = known.get(key);
    const last = ranges.at(-1);
    if (from === undefined) continue;
    if (last !== undefined && last.at + last.length === at && last.from + last.length === from) last.length += length;
    else ranges.push({ at, from, length });
  }
  return ranges;
}

/** Each range to both sides, up to its neighbours. */
function grow(chunk: Uint8Array, old: Uint8Array, ranges: readonly Range[]): void {
  for (const [index, range] of ranges.entries()) {
    const before = ranges[index - 1];
    const least = before === undefined ? 0 : before.at + before.length;
    while (range.at > least && range.from > 0 && chunk[range.at - 1] === old[range.from - 1]) {
      range.at -= 1;
      range.from -= 1;
      range.length += 1;
    }
    const most = ranges[index + 1]?.at ?? chunk.length;
    while (range.at + range.length < most && chunk[range.at + range.length] === old[range.from + range.length]) range.length += 1;
  }
}

/** The same ranges, none across two old chunks. `base` is the old chunk's number. */
function splitAt(ranges: readonly Range[], spans: readonly Span[]): { base: number; length: number }[] {
  return ranges.flatMap(({ from, length }) =>
    spans.flatMap((span, base) => {
      const shared = Math.min(from + length, span.offset + span.length) - Math.max(from, span.offset);
      return shared > 0 ? [{ base, length: shared }] : [];
    }),
  );
}

function covered(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + range.length, 0);
}

function gaps(ranges: readonly Range[], length: number): number {
  const ends = [0, ...ranges.map((range) => range.at + range.length)];
  const starts = [...ranges.map((range) => range.at), length];
  return starts.filter((start, index) => start > (ends[index] ?? 0)).length;
}

/** Git's delta: 8 bytes at most for a copy, one for each 127 literal bytes, and a header; or the chunk as it is. */
function deltaSize(
  length: number,
  parts: readonly { base: number; length: number }[],
  shared: ReadonlyMap<number, number>,
): number {
  const [base, bytes] = [...shared].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [-1, 0]);
  const literal = length - bytes;
  const copies = parts.filter((part) => part.base === base).length;
  return Math.min(length, literal + Math.ceil(literal / 127) + 8 * copies + 40);
}
