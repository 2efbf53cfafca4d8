import type { Randomness } from '../../ports/clock.js';
import { KvError } from '../../ports/error.js';
import type { GitStore, NewObject } from '../../ports/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { checkLayout, LAYOUT_FILE, pairAt } from '../index-layout.js';
import { quoteKey, toUrlsafe } from '../key.js';
import { REF_SUFFIX } from '../ledger.js';
import type { ObjectNamer } from '../object.js';
import { encodePointer, type Pointer, pointerMode } from '../pointer.js';
import { type PointerFile, updateIndex } from '../prefix-index.js';
import { addPointer } from '../transaction.js';
import { findEntry, MODE_DIR } from '../tree.js';

/** How the index is held against the ledger: recomputed whole, or by a sample of this many changed keys. */
export type IndexCheck = { readonly mode: 'full' } | { readonly mode: 'sampled'; readonly size: number };

export interface IndexTransition {
  readonly ns: string;
  readonly before: Oid | null;
  readonly after: Oid;
  /** What the index must say of each changed key. */
  readonly pointers: readonly Pointer[];
}

/** Throws `ATTESTATION_MISMATCH` unless the new index tree is the old one with exactly these pointers put in. */
export async function verifyIndex(
  store: GitStore,
  namer: ObjectNamer,
  randomness: Randomness,
  check: IndexCheck,
  transition: IndexTransition,
): Promise<void> {
  if (check.mode === 'full') return recompute(store, namer, transition);
  return sample(store, namer, pick(transition.pointers, check.size, randomness), transition);
}

async function recompute(store: GitStore, namer: ObjectNamer, { ns, before, after, pointers }: IndexTransition): Promise<void> {
  const files = new Map<string, PointerFile>();
  const built: NewObject[] = [];
  for (const pointer of pointers) addPointer(pointer, namer, files, built);
  const expected = await updateIndex(store, namer, ns, before, files, built);
  if (expected === after) return;
  throw new KvError(
    'ATTESTATION_MISMATCH',
    `index of namespace ${ns} does not agree with its ledger: tree ${after}, expected ${expected}`,
    {
      hint: 'the index must be the old one with the changed keys put in, as docs/FORMAT.md lays it out',
    },
  );
}

async function sample(
  store: GitStore,
  namer: ObjectNamer,
  pointers: readonly Pointer[],
  { ns, after }: IndexTransition,
): Promise<void> {
  const [layout] = await store.readPaths(after, [`kv/${ns}/index/${LAYOUT_FILE}`]);
  checkLayout(layout?.body ?? new Uint8Array(0), ns);
  for (const pointer of pointers) {
    const found = await lookUp(store, ns, after, toUrlsafe(pointer.key));
    const oid = namer.oid('blob', encodePointer(pointer));
    if (found?.oid === oid && found.mode === pointerMode(pointer)) continue;
    throw new KvError(
      'ATTESTATION_MISMATCH',
      `index of namespace ${ns} does not agree with its ledger at key ${quoteKey(pointer.key)}`,
      {
        details: { key: pointer.key },
      },
    );
  }
}

/** Finds one key's pointer in an index tree. */
export async function lookUp(store: GitStore, ns: string, root: Oid, urlsafe: string): Promise<PointerFile | undefined> {
  const oidBytes = store.objectFormat === 'sha1' ? 20 : 32;
  let [tree] = await store.readPaths(root, [`kv/${ns}/index`]);
  for (let depth = 0; tree !== null && tree !== undefined; depth++) {
    const pair = pairAt(urlsafe, depth);
    const dir = pair === undefined ? undefined : findEntry(tree.body, oidBytes, pair);
    if (dir === undefined || dir.mode !== MODE_DIR) return findEntry(tree.body, oidBytes, urlsafe + REF_SUFFIX);
    [tree] = await store.read([dir.oid]);
  }
  return undefined;
}

/** `size` of the items, each as likely as any other; all of them when there are no more. */
function pick<T>(items: readonly T[], size: number, randomness: Randomness): T[] {
  const pool = [...items];
  const count = Math.min(size, pool.length);
  const bytes = randomness.bytes(count * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    const j = i + (view.getUint32(i * 4) % (pool.length - i));
    [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
  }
  return pool.slice(0, count);
}
