import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { readAhead } from '../../git/read-ahead.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import { checkLayout, LAYOUT_FILE, REF_SUFFIX } from '../../index/layout.js';
import type { PointerFile } from '../../index/update.js';
import { quoteKey } from '../../ledger/value/key.js';
import { decodePointer } from '../../ledger/value/pointer.js';
import { attempt, type RuleContext } from '../fault.js';
import { missingFile } from './index-blobs.js';
import { disagrees, keyOf, rebuiltIndex } from './index-step.js';
import { type FoundPointer, IndexWalk, type OtherFile } from './index-walk.js';
import type { LivePointers } from './live-pointers.js';

/** An index, and the live keys that its ledger has. */
interface WholeIndex {
  readonly tree: Oid;
  readonly live: LivePointers;
  /** The live keys once more, by name: asked for when the index lacks some. */
  readonly keys: () => AsyncIterable<readonly string[]>;
  /** False: blobs are not here, and none is read. */
  readonly blobs: boolean;
  readonly onProgress: (what: string) => void;
}

/** Holds a whole index tree against the live keys: each has its pointer, what else there is are tombstones, and the shape is the one. */
export async function checkWholeIndex(rules: RuleContext, { tree, live, keys, blobs, onProgress }: WholeIndex): Promise<void> {
  const { store, emit, ns } = rules;
  const walk = new IndexWalk(rules, tree);
  const parts = readAhead(
    walk.parts(),
    async ({ pointers, others }) => {
      return { pointers, others, objects: blobs ? await store.read(pointers.map(({ oid }) => oid)) : null };
    },
    2,
  );
  let met = 0;
  for await (const { pointers, others, objects } of parts) {
    for (const other of others) await checkOther(rules, other, blobs);
    for (const [i, pointer] of pointers.entries()) checkPointer(rules, live, pointer, objects === null ? undefined : objects[i]);
    met += pointers.length;
    onProgress(`${met} keys of the index`);
  }
  if (!live.allMet) {
    for await (const some of keys())
      for (const key of some) if (!live.met(key)) emit(disagrees(ns, key, 'there is no pointer to it'));
  }
  if (!walk.inShape) await nameShape(rules, tree);
}

/**
 * What a pointer to a live key says follows from its id, but it must also be there. All others are tombstones.
 * `object` undefined: it is not looked at.
 */
function checkPointer({ emit, ns }: RuleContext, live: LivePointers, pointer: FoundPointer, object?: GitObject | null): void {
  const { urlsafe, mode, oid } = pointer;
  if (object === null) emit(missingFile(ns, urlsafe + REF_SUFFIX, oid));
  const right = live.meet(urlsafe, pointer);
  if (right === true) return;
  const key = keyOf(urlsafe);
  if (right === false) emit(disagrees(ns, key, 'its pointer is not the one that its value and metadata give it'));
  if (right !== null) return;
  const found = object ? attempt(emit, { key }, () => decodePointer(object.body, quoteKey(key))) : null;
  if (mode === MODE_FILE || (found !== null && found.type !== 'deleted'))
    emit(disagrees(ns, key, 'it is a live key there alone'));
}

/** A file of an index that is no pointer: the layout, or it has no place there. */
async function checkOther(rules: RuleContext, file: OtherFile, blobs: boolean): Promise<void> {
  const { emit, ns } = rules;
  if (file.path === `kv/${ns}/index/${LAYOUT_FILE}`) await checkLayoutFile(rules, file, blobs);
  else emit({ ...disagrees(ns, file.path, 'it is no place for a pointer'), subject: { path: file.path } });
}

/** Tells an index's shape beside the one that its pointers give it. This takes memory for all of them. */
async function nameShape(rules: RuleContext, tree: Oid): Promise<void> {
  const found = new Map<string, PointerFile>();
  // What could not be read has been told.
  for await (const { pointers } of new IndexWalk({ ...rules, emit: () => undefined }, tree).parts())
    for (const { urlsafe, mode, oid } of pointers) found.set(urlsafe, { mode, oid });
  const shape = await rebuiltIndex(rules, null, found);
  if (shape === null || shape === tree) return;
  const message = `index tree ${tree} has not the shape that its pointers give it, ${shape}`;
  rules.emit({ code: 'ATTESTATION_MISMATCH', message, subject: {} });
}

async function checkLayoutFile({ store, emit, ns }: RuleContext, { oid }: OtherFile, blobs: boolean): Promise<void> {
  const [layout] = blobs ? await store.read([oid]) : [];
  if (layout === null) emit(missingFile(ns, LAYOUT_FILE, oid));
  else if (layout !== undefined) attempt(emit, { object: oid }, () => checkLayout(layout.body, ns));
}
