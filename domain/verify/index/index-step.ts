import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import type { Side, TreeChange } from '../../git/tree/tree-diff.js';
import { encodeLayout, LAYOUT_FILE, pairAt, REF_SUFFIX } from '../../index/layout.js';
import { lookUp } from '../../index/look-up.js';
import { type PointerFile, updateIndex } from '../../index/update.js';
import { fromUrlsafe, quoteKey, toUrlsafe } from '../../ledger/value/key.js';
import type { Pointer } from '../../ledger/value/pointer.js';
import { addPointer } from '../../ledger/transaction/transaction.js';
import { type Fault, faultOf, type RuleContext } from '../fault.js';
import { treeChanges } from '../trees.js';
import { SplitCheck } from './splits.js';

/** An index before and after a transaction. */
interface IndexTransition {
  /** Null: the transaction begins the index. */
  readonly before: Oid | null;
  readonly after: Oid;
  /** What the index must say of each changed key; null: a fault leaves that open. */
  readonly pointers: ReadonlyMap<string, Pointer | null>;
}

const HINT = 'the index must be the old one with the changed keys put in, as docs/FORMAT.md lays it out';

/**
 * Checks an index against the one before it: with `recompute`, that it is exactly that one with these pointers put in, which says
 * of its shape too; else, or to name the keys, by what changed in it. `ATTESTATION_MISMATCH` otherwise. Gives the pointers' files, by
 * urlsafe key: their ids are compared, and whether they are there is not asked.
 */
export async function checkIndexStep(
  rules: RuleContext,
  transition: IndexTransition,
  recompute: boolean,
): Promise<ReadonlyMap<string, PointerFile>> {
  const { before, after, pointers } = transition;
  const files = new Map<string, PointerFile>();
  for (const pointer of pointers.values()) if (pointer !== null) addPointer(pointer, rules.namer, files, []);
  const known = [...pointers.values()].every((pointer) => pointer !== null);
  if (known && (recompute || before === null)) {
    const trees: NewObject[] = [];
    const expected = await rebuiltIndex(rules, before, files, trees);
    if (expected === after) await checkPresent(rules, trees);
    if (expected === after || expected === null) return files;
    rules.emit({
      code: 'ATTESTATION_MISMATCH',
      message: `index of namespace ${rules.ns} does not agree with its ledger: tree ${after}, expected ${expected}`,
      hint: HINT,
      subject: {},
    });
  }
  await compareIndex(rules, transition, files);
  return files;
}

/** That what was recomputed is there, too: nothing has read it. */
async function checkPresent({ store, ns, emit }: RuleContext, objects: readonly NewObject[]): Promise<void> {
  const headers = await store.headers(objects.map(({ oid }) => oid));
  for (const [i, { oid, type }] of objects.entries()) {
    if (headers[i]?.type === type) continue;
    const message = `index of namespace ${ns} lacks ${type} ${oid}`;
    emit({ code: 'ATTESTATION_MISMATCH', message, hint: HINT, subject: { object: oid } });
  }
}

/** The index tree that putting pointers into another gives, its new objects in `trees`; null, and a fault, when that can't be read. */
export async function rebuiltIndex(
  { store, namer, ns, emit }: RuleContext,
  before: Oid | null,
  files: ReadonlyMap<string, PointerFile>,
  trees: NewObject[] = [],
): Promise<Oid | null> {
  try {
    return await updateIndex(store, namer, ns, before, files, trees);
  } catch (error) {
    emit(faultOf(error));
    return null;
  }
}

/**
 * Checks an index by what changed in it, without building it: every changed key has its pointer, in a place of its own, and no
 * other pointer is other than it was, and directories are split exactly where they must be.
 */
async function compareIndex(
  rules: RuleContext,
  { before, after, pointers }: IndexTransition,
  files: ReadonlyMap<string, PointerFile>,
): Promise<void> {
  const { store, ns, emit } = rules;
  const splits = new SplitCheck(rules);
  const changed = await treeChanges(rules, 'index', before, after, (...pair) => splits.take(...pair));
  splits.finish();
  const moved = changedPointers(rules, before, changed);
  for (const [key, pointer] of pointers) {
    const urlsafe = toUrlsafe(key);
    const { old, next } = moved.get(urlsafe) ?? { old: null, next: null };
    moved.delete(urlsafe);
    if (pointer === null) continue;
    // Set again to what it was, a key's pointer is no change of the index.
    const found = next ?? (old === null ? await lookUp(store, ns, after, urlsafe) : null);
    const wanted = files.get(urlsafe);
    if (found?.oid !== wanted?.oid || found?.mode !== wanted?.mode) emit(disagrees(ns, key));
  }
  // What is left are pointers of keys that did not change: a directory that was split hands them down as they are.
  for (const [urlsafe, { old, next }] of moved) {
    if (old === null || next === null || old.oid !== next.oid || old.mode !== next.mode) emit(disagrees(ns, keyOf(urlsafe)));
  }
}

/** An index that says something else of a key than the ledger. */
export function disagrees(ns: string, key: string, why?: string): Fault {
  const message = `index of namespace ${ns} does not agree with its ledger at ${quoteKey(key)}`;
  return {
    code: 'ATTESTATION_MISMATCH',
    message: why === undefined ? message : `${message}: ${why}`,
    hint: HINT,
    subject: { key },
  };
}

/** The key that a pointer's name spells, or the name itself. */
export const keyOf = (urlsafe: string): string => fromUrlsafe(urlsafe) ?? urlsafe;

interface Moved {
  old: Side | null;
  next: Side | null;
}

/** The pointers that are not where or what they were, by urlsafe key. */
function changedPointers(
  { namer, ns, emit }: RuleContext,
  before: Oid | null,
  changes: readonly TreeChange[],
): Map<string, Moved> {
  const moved = new Map<string, Moved>();
  for (const change of changes) {
    const urlsafe = urlsafeAt(change.path, ns);
    if (urlsafe === undefined) {
      const begins = before === null && change.path === `kv/${ns}/index/${LAYOUT_FILE}`;
      const layout = begins && change.after?.oid === namer.oid('blob', encodeLayout()) && change.after.mode === MODE_FILE;
      if (!layout) emit({ ...disagrees(ns, change.path), subject: { path: change.path } });
      continue;
    }
    const sides = moved.get(urlsafe) ?? { old: null, next: null };
    if ((change.before !== null && sides.old !== null) || (change.after !== null && sides.next !== null))
      emit(disagrees(ns, keyOf(urlsafe)));
    moved.set(urlsafe, { old: change.before ?? sides.old, next: change.after ?? sides.next });
  }
  return moved;
}

/** The urlsafe key whose pointer may lie at a path of the index tree. */
function urlsafeAt(path: string, ns: string): string | undefined {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const [kv, own, index, ...dirs] = parts;
  if (kv !== 'kv' || own !== ns || index !== 'index' || !name.endsWith(REF_SUFFIX)) return undefined;
  const urlsafe = name.slice(0, -REF_SUFFIX.length);
  return dirs.length >= 2 && dirs.every((dir, depth) => pairAt(urlsafe, depth) === dir) ? urlsafe : undefined;
}
