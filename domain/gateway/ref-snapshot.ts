import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid, RefName } from '../../ports/vocabulary.js';
import { KV_FAMILIES } from '../ledger/refs.js';

const FOLDERS = KV_FAMILIES.map((family) => `refs/${family}/`);

/** Whether a ref is one of a namespace's, which move together. */
export const isKvRef = (ref: RefName): boolean => FOLDERS.some((folder) => ref.startsWith(folder));

/** A look takes milliseconds, and so does a transaction: that many in a row fall together with none of them. */
const MAX_LOOKS = 20;

/**
 * The refs of all namespaces at one moment, given what a first look at those that `asked` picks has seen. A list of refs is read one by
 * one; but where two looks, one after the other, see the same, that is what all of them were in between, since no ref of a namespace
 * ever comes back to where it was. Null: `seen` was that already.
 */
export async function refSnapshot(
  store: GitStore,
  seen: ReadonlyMap<RefName, Oid>,
  asked: (ref: RefName) => boolean,
): Promise<ReadonlyMap<RefName, Oid> | null> {
  let before = seen;
  for (let looks = 1; ; looks++) {
    const now = await store.refs(FOLDERS);
    const shown = new Map([...now].filter(([ref]) => asked(ref)));
    if (isSame(before, shown)) return before === seen ? null : now;
    if (looks === MAX_LOOKS) return now;
    before = shown;
  }
}

const isSame = (one: ReadonlyMap<RefName, Oid>, other: ReadonlyMap<RefName, Oid>): boolean =>
  one.size === other.size && [...one].every(([ref, oid]) => other.get(ref) === oid);
