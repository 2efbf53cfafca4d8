import type { NewObject } from '../../../ports/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { LAYOUT_FILE, checkLayout } from '../../index/layout.js';
import { fromUrlsafe, quoteKey, toUrlsafe } from '../../ledger/key.js';
import { REF_SUFFIX } from '../../ledger/paths.js';
import { decodePointer, encodePointer, type Pointer, pointerMode } from '../../ledger/pointer.js';
import { type PointerFile, updateIndex } from '../../index/update.js';
import { addPointer } from '../../ledger/transaction.js';
import { MODE_EXEC, MODE_FILE } from '../../git/tree.js';
import { lookUp } from '../../index/look-up.js';
import type { VerifyContext } from './context.js';
import type { Place } from './findings.js';
import { changesOf } from './trees.js';

/** What an index must say of keys; null: of this key, it could not be told. */
export type Expected = ReadonlyMap<string, Pointer | null>;

/** How many pointers to read in one request. */
const BATCH = 4096;

const keyOf = (urlsafe: string): string => fromUrlsafe(urlsafe) ?? urlsafe;

/** Holds a whole index tree against the live keys: each has its pointer, what else there is are tombstones, and the shape is the one. */
export async function checkIndex(context: VerifyContext, tree: Oid, live: Expected, place: Place): Promise<void> {
  const { findings, store } = context;
  const found = await pointersOf(context, tree, place);
  const extra: [string, PointerFile][] = [];
  const seen = new Set<string>();
  for (const [urlsafe, file] of found) {
    const key = keyOf(urlsafe);
    if (!live.has(key)) extra.push([urlsafe, file]);
    else seen.add(key);
  }
  for (const [key, pointer] of live) {
    if (!seen.has(key)) findings.fault(`key ${quoteKey(key)}: the index has no pointer to it`, { ...place, key });
    else if (pointer !== null) compare(context, key, pointer, found.get(toUrlsafe(key)), place);
  }
  await readPointers(context, [...found], place);
  const blobs = context.blobs ? await store.read(extra.map(([, { oid }]) => oid)) : [];
  for (const [i, [urlsafe, { mode }]] of extra.entries()) {
    const key = keyOf(urlsafe);
    const body = blobs[i]?.body;
    if (mode === MODE_FILE)
      findings.fault(`key ${quoteKey(key)}: the index has it as a live key, the ledger has not`, { ...place, key });
    else if (body !== undefined) checkTombstone(context, key, body, { ...place, key });
  }
  const shape = await rebuilt(context, null, found, place);
  if (shape !== null && shape !== tree)
    findings.fault(`index tree ${tree} has not the shape that its pointers give it, ${shape}`, place);
}

/** An index tree with pointers put in; null, and a fault, when the tree before can't be read. */
async function rebuilt(
  context: VerifyContext,
  before: Oid | null,
  files: ReadonlyMap<string, PointerFile>,
  place: Place,
): Promise<Oid | null> {
  const built: NewObject[] = [];
  try {
    return await updateIndex(context.store, context.namer, context.ns, before, files, built);
  } catch (error) {
    context.findings.thrown(error, place);
    return null;
  }
}

/** What a pointer says follows from its id, but it must also be there. */
async function readPointers(
  { store, findings, blobs }: VerifyContext,
  pointers: readonly (readonly [string, PointerFile])[],
  place: Place,
): Promise<void> {
  for (let at = 0; blobs && at < pointers.length; at += BATCH) {
    const batch = pointers.slice(at, at + BATCH);
    const objects = await store.read(batch.map(([, { oid }]) => oid));
    batch.forEach(([urlsafe, { oid }], i) => {
      const key = keyOf(urlsafe);
      if (!objects[i])
        findings.fault(`key ${quoteKey(key)}: its pointer in the index is missing or damaged`, { ...place, key, object: oid });
    });
  }
}

function checkTombstone({ findings }: VerifyContext, key: string, body: Uint8Array, place: Place): void {
  try {
    if (decodePointer(body, quoteKey(key)).type !== 'deleted')
      findings.fault(`key ${quoteKey(key)}: the index has it as a live key, the ledger has not`, place);
  } catch (error) {
    findings.thrown(error, place);
  }
}

/** Holds an index tree against the one before it, with exactly these pointers put in. */
export async function checkIndexStep(
  context: VerifyContext,
  before: Oid,
  after: Oid,
  changed: Expected,
  place: Place,
): Promise<void> {
  const { findings, store, namer, ns } = context;
  const built: NewObject[] = [];
  const files = new Map<string, PointerFile>();
  for (const pointer of changed.values()) if (pointer !== null) addPointer(pointer, namer, files, built);
  const steps = await changesOf(context, before, after, place);
  const fresh = steps.flatMap(({ path, after: next }) => (next === null ? [] : [[urlsafeOf(path), next] as const]));
  await readPointers(context, fresh, place);
  const wanted = await rebuilt(context, before, files, place);
  if (wanted === null || wanted === after) return;
  let named = [...changed.values()].includes(null);
  for (const [key, pointer] of changed) {
    if (pointer !== null) named = compare(context, key, pointer, await lookUp(store, ns, after, toUrlsafe(key)), place) || named;
  }
  const moved = new Map<string, string | null>();
  for (const { path, before: old, after: next } of steps) {
    const urlsafe = urlsafeOf(path);
    const [was, is] = [old === null ? null : `${old.mode} ${old.oid}`, next === null ? null : `${next.mode} ${next.oid}`];
    // A directory that was split gives its pointers away, and they come back one level below.
    if (moved.has(urlsafe) && (moved.get(urlsafe) === was || moved.get(urlsafe) === is)) moved.delete(urlsafe);
    else moved.set(urlsafe, is ?? was);
  }
  for (const key of [...moved.keys()].map(keyOf)) {
    if (changed.has(key)) continue;
    named = true;
    findings.fault(`key ${quoteKey(key)}: its pointer in the index was changed or removed, though the key was not`, {
      ...place,
      key,
    });
  }
  if (!named) findings.fault(`index tree ${after} is not the one before with the changed keys put in`, place);
}

const urlsafeOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1, -REF_SUFFIX.length);

/** Reports a pointer that isn't as it must be; true when it did. */
function compare(
  { findings, namer }: VerifyContext,
  key: string,
  wanted: Pointer,
  found: PointerFile | undefined,
  place: Place,
): boolean {
  const oid = namer.oid('blob', encodePointer(wanted));
  if (found?.oid === oid && found.mode === pointerMode(wanted)) return false;
  const what =
    found === undefined
      ? 'the index has no pointer to it'
      : 'its pointer in the index is not the one that its value and metadata give it';
  findings.fault(`key ${quoteKey(key)}: ${what}`, { ...place, key });
  return true;
}

/** Every pointer of an index tree, by urlsafe key; what else lies there is a fault. */
async function pointersOf(context: VerifyContext, tree: Oid, place: Place): Promise<Map<string, PointerFile>> {
  const { findings, ns, store } = context;
  const root = `kv/${ns}/index/`;
  const found = new Map<string, PointerFile>();
  for (const { path, after } of await changesOf(context, null, tree, place)) {
    if (after === null) continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (path === root + LAYOUT_FILE) {
      const [layout] = context.blobs ? await store.read([after.oid]) : [];
      if (layout === null) findings.fault('the layout of the index is missing or damaged', { ...place, object: after.oid });
      try {
        if (layout) checkLayout(layout.body, ns);
      } catch (error) {
        findings.thrown(error, place);
      }
    } else if (!path.startsWith(root) || !name.endsWith(REF_SUFFIX) || (after.mode !== MODE_FILE && after.mode !== MODE_EXEC))
      findings.fault(`${JSON.stringify(path)} is no place for a pointer`, place);
    else found.set(name.slice(0, -REF_SUFFIX.length), after);
  }
  return found;
}
