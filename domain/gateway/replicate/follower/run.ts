import { KvError } from '../../../../ports/error.js';
import type { Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import type { Entry } from '../entry.js';

type Place = Oid | null;
/** Where refs are. */
type Refs = ReadonlyMap<RefName, Oid>;

/** The refs that entries move. */
export function refsOf(entries: readonly Entry[]): RefName[] {
  return [...new Set(entries.flatMap(({ updates }) => updates.map(({ ref }) => ref)))];
}

/**
 * What is left to bring refs to where entries lead that follow each other, given where they are. Throws `GIT_ERROR` for a ref that is at
 * no place on its way.
 */
export function movesLeft(entries: readonly Entry[], refs: Refs): RefUpdate[] {
  const ways = new Map<RefName, Place[]>();
  for (const { updates } of entries)
    for (const { ref, old, next } of updates) {
      const way = ways.get(ref);
      if (way === undefined) ways.set(ref, [old, next]);
      else way.push(next);
    }
  const moves: RefUpdate[] = [];
  for (const [ref, way] of ways) {
    const at = refs.get(ref) ?? null;
    const next = way.at(-1) ?? null;
    if (at === next) continue;
    if (!way.includes(at)) throw new KvError('GIT_ERROR', `${ref} is at ${at ?? 'nothing'}, neither before nor after its entry`);
    moves.push({ ref, old: at, next });
  }
  return moves;
}

/** Where refs were before entries that follow each other, whichever of these refs have moved since. */
export function refsBefore(entries: readonly Entry[], refs: Refs): Map<RefName, Oid> {
  const before = new Map(refs);
  for (const [ref, old] of startOf(entries))
    if (old === null) before.delete(ref);
    else before.set(ref, old);
  return before;
}

function startOf(entries: readonly Entry[]): Map<RefName, Place> {
  const start = new Map<RefName, Place>();
  for (const { updates } of entries) for (const { ref, old } of updates) if (!start.has(ref)) start.set(ref, old);
  return start;
}

/**
 * How many of the entries that follow where a server stood its refs show, once a crash has left some refs moved and some not: the fewest to
 * which all refs that have moved lead. Zero where none has, or where they were moved by other means. Refs move only by entries that were decided.
 */
export function shownOf(entries: readonly Entry[], refs: Refs): number {
  const start = startOf(entries);
  const at = (ref: RefName): Place => refs.get(ref) ?? null;
  /** The refs that have moved, as far as no entry yet leads to where they are. */
  const open = new Set([...start].filter(([ref, old]) => at(ref) !== old).map(([ref]) => ref));
  if (open.size === 0) return 0;
  for (const [count, { updates }] of entries.entries()) {
    for (const { ref, next } of updates)
      if (next === at(ref)) open.delete(ref);
      else if (at(ref) !== start.get(ref)) open.add(ref);
    if (open.size === 0) return count + 1;
  }
  return 0;
}
