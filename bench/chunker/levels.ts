import { fastCdcChunker } from '../../adapters/chunker-fastcdc/open.js';
import type { Chunker } from '../../ports/chunker.js';
import { seededBytes } from '../../test/reference/seeded-bytes.js';
import { type Edit, EDITS, edited } from './edits.js';

/** FastCDC's normalisation levels: by how many bits the masks differ before and after the wanted size. */
export const LEVELS = [0, 1, 2, 3] as const;
/** The edits in one place. */
const WHOLE = EDITS.filter(({ places }) => places === 1);

/** Many edits of `share` of a value, each of another place, at one level. */
export interface LevelResult {
  readonly level: (typeof LEVELS)[number];
  readonly edit: Edit['name'];
  /** Bytes of new chunks: the first edit of each value, then the others. */
  readonly first: number[];
  readonly more: number[];
  /** The same edits, had the writer cut only what changed, so that every chunk of the old value that is whole stays. */
  readonly realigned: number[];
}

/**
 * `values` values of `size` random bytes, `edits` edits of each. The cut points of an edited value are those of the old one up to
 * the edit, and again from the first that falls on one behind it, so that only what is between is cut.
 */
export async function levels(seeds: readonly number[], size: number, share: number, edits: number): Promise<LevelResult[]> {
  const results = LEVELS.flatMap((level) => WHOLE.map(({ name }) => ({ level, edit: name, first: [], more: [], realigned: [] })));
  const chunkers = new Map(LEVELS.map((level) => [level, fastCdcChunker({ nc: level })]));
  const of = (level: number, edit: string): LevelResult =>
    results.find((r) => r.level === level && r.edit === edit) as LevelResult;
  for (const seed of seeds) {
    const old = seededBytes(seed * 1000, size);
    const cuts = new Map<Chunker, Cuts>();
    for (const chunker of chunkers.values()) cuts.set(chunker, await cutsOf(old, chunker));
    for (let round = 0; round < edits; round++) {
      for (const [index, edit] of WHOLE.entries()) {
        const pieces = edited(old, edit, share, seed * 1000 + 1 + index + round * EDITS.length);
        for (const [level, chunker] of chunkers) {
          const result = of(level, edit.name);
          const { newBytes, realigned } = await costOf(old, pieces, cuts.get(chunker) as Cuts, chunker);
          (round === 0 ? result.first : result.more).push(newBytes);
          result.realigned.push(realigned);
        }
      }
    }
  }
  return results;
}

/** The offsets where chunks end, in ascending order, and as a set; 0 is among them. */
interface Cuts {
  readonly sorted: readonly number[];
  readonly all: ReadonlySet<number>;
}

async function cutsOf(value: Uint8Array, chunker: Chunker): Promise<Cuts> {
  const sorted = [0];
  for await (const chunk of chunker.chunks([value])) sorted.push((sorted.at(-1) ?? 0) + chunk.length);
  return { sorted, all: new Set(sorted) };
}

async function costOf(
  old: Uint8Array,
  pieces: readonly Uint8Array[],
  cuts: Cuts,
  chunker: Chunker,
): Promise<{ newBytes: number; realigned: number }> {
  const [before, fresh, rest] = pieces as [Uint8Array, Uint8Array, Uint8Array];
  const start = before.length;
  const end = old.length - rest.length;
  const from = cuts.sorted.findLast((cut) => cut <= start) ?? 0;
  const to = cuts.sorted.find((cut) => cut >= end) ?? old.length;
  const shift = start + fresh.length - end;
  let at = from;
  for await (const chunk of chunker.chunks([old.subarray(from, start), fresh, rest])) {
    at += chunk.length;
    if (at - shift >= end && cuts.all.has(at - shift)) break;
  }
  return { newBytes: at - from, realigned: start - from + fresh.length + to - end };
}
