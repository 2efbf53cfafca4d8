import type { Oid } from '../../../ports/vocabulary.js';
import { type Moment, momentAt, momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { differingKeys, type KeyDifference, type KeyState, sizesOf } from './key-state.js';
import type { Freshness } from '../remote/tip-for-reading.js';

interface DiffRequest extends Freshness {
  readonly ns: string;
  /** `<oid|time|txn>`; `to` absent: now. */
  readonly from: string;
  readonly to?: string;
  readonly prefix: string;
}

/** A value on one side: its blob (its manifest's where it lies in chunks) and its bytes. */
export interface DiffSide {
  readonly oid: Oid;
  readonly size: number;
}

/** A key that differs between two states; null on the side where it is not there. */
export interface KeyChange {
  readonly key: string;
  /** `rewritten`: the same value, set again, perhaps with another TTL or content type. */
  readonly change: 'added' | 'changed' | 'removed' | 'rewritten';
  readonly before: DiffSide | null;
  readonly after: DiffSide | null;
}

/** Two states, and the keys that differ. */
export interface Diff {
  readonly from: Moment;
  readonly to: Moment;
  /** In the order of the keys' urlsafe forms. */
  readonly changes: readonly KeyChange[];
}

/** What differs between two states, of one epoch or of two. TTLs play no part: an expired key is there until it is deleted. */
export async function diffStates(clone: Clone, request: DiffRequest): Promise<Diff> {
  const { ns, prefix } = request;
  const from = await momentAt(clone, ns, request.from, request);
  const settled = { ...request, offline: request.offline || request.to === undefined }; // the first has fetched already
  const to = request.to === undefined ? await momentNow(clone, ns, settled) : await momentAt(clone, ns, request.to, request);
  const found = await differingKeys(clone, ns, from.ledger.commit.tree, to.ledger.commit.tree, prefix);
  return { from, to, changes: await changesOf(clone, found) };
}

/** What became of keys that differ, with the sizes of their values. */
export async function changesOf(clone: Clone, found: readonly KeyDifference[]): Promise<KeyChange[]> {
  const sizes = await sizesOf(
    clone,
    found.flatMap(({ before, after }) => [before, after].filter((state) => state !== null)),
  );
  const side = (state: KeyState | null): DiffSide | null => state && { oid: state.value, size: sizes.get(state.value) ?? 0 };
  return found.map(({ key, before, after }) => ({
    key,
    change: kindOf(before, after),
    before: side(before),
    after: side(after),
  }));
}

function kindOf(before: KeyState | null, after: KeyState | null): KeyChange['change'] {
  if (before === null) return 'added';
  if (after === null) return 'removed';
  return before.value === after.value ? 'rewritten' : 'changed';
}
