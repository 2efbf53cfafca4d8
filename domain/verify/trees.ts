import { shownText } from '../../ports/grammar/shown-text.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { type Bounds, READER_BOUNDS } from '../git/bounds.js';
import { MODE_FILE, oidBytesIn } from '../git/tree/tree.js';
import { diffTrees, type TreeChange } from '../git/tree/tree-diff.js';
import { diffInParts, type Parting } from '../git/tree/tree-parts.js';
import { type FileEdit, PathEdits, type TreeReader } from '../git/tree/tree-draft.js';
import { type Misplaced, MISPLACEMENTS, type TreeShape, type TreeWalk } from '../git/tree/tree-shape.js';
import { indexShape } from '../index/shape.js';
import { quotePath } from '../ledger/value/key.js';
import { chunksShape, ledgerShape } from '../ledger/tree-shapes.js';
import type { Fault, RuleContext } from './fault.js';

const NO_ENTRIES = new Uint8Array(0);
/** What a pair of directories that waits to be read takes in memory, and a change of a file. Bytes. */
const A_PAIR = 300;
const A_CHANGE = 500;

/** Whose layout a tree has. */
export type TreeKind = 'ledger' | 'index' | 'chunks';

const SHAPES: Readonly<Record<TreeKind, (ns: string) => TreeShape>> = {
  ledger: ledgerShape,
  index: indexShape,
  chunks: chunksShape,
};

/**
 * The files that differ between two trees. A tree that can't be read is a fault, and then counts as empty, so that the rest is seen; a
 * directory that has no place in such a tree is one too, and is not looked into.
 */
export async function treeChanges(
  rules: RuleContext,
  kind: TreeKind,
  before: Oid | null,
  after: Oid | null,
  compared?: TreeWalk['compared'],
): Promise<TreeChange[]> {
  const { charge } = boundsOf(rules);
  const changes: TreeChange[] = [];
  const oidBytes = oidBytesIn(rules.store.objectFormat);
  const trees = [orNull(rules, before), orNull(rules, after)] as const;
  const walk = { ...walkOf(rules, kind), ...(compared === undefined ? {} : { compared }) };
  for await (const change of diffTrees(treesOf(rules), ...trees, oidBytes, walk)) {
    changes.push(change);
    if (changes.length % 4096 === 0) await charge?.(`changes of ${kind}`, changes.length * A_CHANGE);
  }
  return changes;
}

/** The same in parts, none of which is large (`diffInParts`). */
export function treeParts(
  rules: RuleContext,
  kind: TreeKind,
  before: Oid | null,
  after: Oid | null,
  parting: Parting,
): AsyncGenerator<TreeChange[]> {
  const oidBytes = oidBytesIn(rules.store.objectFormat);
  return diffInParts(treesOf(rules), orNull(rules, before), orNull(rules, after), oidBytes, parting, walkOf(rules, kind));
}

/** What a rule takes in at a time. */
export const boundsOf = ({ bounds }: RuleContext): Bounds => bounds ?? READER_BOUNDS;

function walkOf(rules: RuleContext, kind: TreeKind): TreeWalk {
  const { treeEntries, charge, pause } = boundsOf(rules);
  return {
    shape: SHAPES[kind](rules.ns),
    entries: treeEntries,
    tell: (misplaced) => rules.emit(misplacedFault(kind, misplaced)),
    ...(charge === undefined ? {} : { waiting: (pairs) => charge(`directories of ${kind}`, pairs * A_PAIR) }),
    ...(pause === undefined ? {} : { pause }),
  };
}

/** What has no place in a tree, as a fault. */
export function misplacedFault(kind: TreeKind, { path, what }: Misplaced): Fault {
  return {
    code: kind === 'index' ? 'ATTESTATION_MISMATCH' : 'POLICY_VIOLATION',
    message: `${quotePath(path)} ${MISPLACEMENTS[what]}`,
    hint: `${KINDS[kind]} holds only what docs/FORMAT.md names`,
    subject: { path: shownText(path) },
  };
}

const KINDS: Readonly<Record<TreeKind, string>> = { ledger: 'a ledger', index: 'an index', chunks: 'a chunks tree' };

/** The tree without entries is no tree here: git itself need not have it. */
const orNull = ({ namer }: RuleContext, tree: Oid | null): Oid | null => (tree === namer.emptyTree() ? null : tree);

/** The blobs at paths of a tree, by path; reads trees alone. */
export async function blobsAt(rules: RuleContext, tree: Oid | null, paths: readonly string[]): Promise<Map<string, Oid>> {
  const found = new Map<string, Oid>();
  if (tree === null || paths.length === 0) return found;
  const edits = new PathEdits();
  const asked = new Map<string, FileEdit>();
  for (const path of new Set(paths)) {
    const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
    const dirs = path.split('/');
    edits.put(dirs, dirs.pop() as string, edit);
    asked.set(path, edit);
  }
  await edits.load(treesOf(rules), tree, oidBytesIn(rules.store.objectFormat));
  for (const [path, { previous }] of asked) if (previous !== null) found.set(path, previous);
  return found;
}

/** Reads trees; one that can't be read is a fault, and has no entries. */
export function treesOf({ store, emit }: RuleContext): TreeReader {
  return {
    read: async (oids) => {
      const objects = await store.read(oids);
      return objects.map((object, i): GitObject => {
        const oid = oids[i] as Oid;
        if (object?.type === 'tree') return object;
        const what = object === null ? 'is missing or damaged' : 'is no tree';
        emit({ code: 'GIT_ERROR', message: `tree ${oid} ${what}`, subject: { object: oid } });
        return { oid, type: 'tree', body: NO_ENTRIES };
      });
    },
  };
}
