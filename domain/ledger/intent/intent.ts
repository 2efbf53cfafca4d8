import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { isEpochLabel, isNamespace } from '../../../ports/grammar/namespace.js';
import { type Commit, decodeCommit } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { MODE_DIR, MODE_FILE, oidBytesIn, TreeCursor } from '../../git/tree/tree.js';
import { seal, TreeDraft } from '../../git/tree/tree-draft.js';
import {
  CHUNKS_DIR,
  decodeOperations,
  encodeOperations,
  type IntentOperations,
  MANIFESTS_DIR,
  OPERATIONS_FILE,
  VALUES_DIR,
} from './intent-operations.js';
import { isRepositoryId } from '../repository-id.js';
import { fromDash, messageText, orDash, readTrailers, trailerFault } from '../transaction/trailers.js';
import { isUlid } from '../ulid.js';

/**
 * An intent is what a writer of a sequenced namespace signs in place of a ledger commit: a commit without parents that says what is to
 * become of which keys, and under which conditions. It names no state, so that whoever orders intents can put it anywhere in the ledger.
 */

/** What an intent's message says below its text. */
export interface IntentTrailers {
  readonly ns: string;
  /** A ULID. */
  readonly txn: string;
  /** The newest epoch that the writer knows; null: none. */
  readonly epoch: string | null;
  /** The repository that it is for: so that it is not ordered anywhere else. */
  readonly repository: string;
}

/** An intent, its commit and its tree read; the values themselves are not. */
export interface Intent {
  readonly oid: Oid;
  readonly commit: Commit;
  /** What its writer wrote above the trailers; becomes that of the ledger commit. */
  readonly text: string;
  readonly trailers: IntentTrailers;
  readonly operations: IntentOperations;
  /** The blobs of `values/` and `manifests/`, by their numbers. */
  readonly values: readonly Oid[];
  readonly manifests: readonly Oid[];
  /** The blobs of `chunks/` by their digests. */
  readonly chunks: ReadonlyMap<string, Oid>;
}

const VERSION = '1';
const NAMES = { required: ['KV-Intent', 'KV-NS', 'KV-Txn', 'KV-Epoch', 'KV-Repository'], optional: [] };
const DIGEST = /^[0-9a-f]{64}$/;

/** An intent's message. `text` is free, of one or more paragraphs. */
function renderIntentMessage(text: string, { ns, txn, epoch, repository }: IntentTrailers): string {
  const lines = [
    `KV-Intent: ${VERSION}`,
    `KV-NS: ${ns}`,
    `KV-Txn: ${txn}`,
    `KV-Epoch: ${orDash(epoch)}`,
    `KV-Repository: ${repository}`,
  ];
  return `${text}\n\n${lines.join('\n')}\n`;
}

/** What an intent carries besides its operations. */
export interface IntentFiles {
  /** The blobs of the inline values, in the order in which the operations name them. */
  readonly values: readonly Oid[];
  readonly manifests: readonly Oid[];
  /** By digest. */
  readonly chunks: ReadonlyMap<string, Oid>;
}

/** The tree of an intent; its trees and `ops.json` are appended to `out`, the blobs that it carries are not. */
export function intentTree(namer: ObjectNamer, operations: IntentOperations, files: IntentFiles, out: NewObject[]): Oid {
  const root = new TreeDraft(null);
  const ops = namer.object('blob', encodeOperations(operations));
  out.push(ops);
  root.put(OPERATIONS_FILE, MODE_FILE, ops.oid);
  const folder = (name: string, entries: Iterable<readonly [string, Oid]>): void => {
    const draft = new TreeDraft(null);
    for (const [file, oid] of entries) draft.put(file, MODE_FILE, oid);
    if (draft.files.size > 0) root.dirs.set(name, draft);
  };
  folder(VALUES_DIR, numbered(files.values));
  folder(MANIFESTS_DIR, numbered(files.manifests));
  folder(CHUNKS_DIR, files.chunks);
  return seal(root, namer, out) as Oid; // never empty: it has the operations
}

/** The bytes of an intent's commit, to be signed by its writer. `author` as a commit's line has it, also for the committer. */
export function intentCommit(tree: Oid, author: string, text: string, trailers: IntentTrailers): Commit {
  return { tree, parents: [], author, committer: author, signature: null, message: renderIntentMessage(text, trailers) };
}

const numbered = (oids: readonly Oid[]): [string, Oid][] => oids.map((oid, at) => [String(at), oid]);

/** Gives objects by their ids; null for one that is missing. */
export type ReadObjects = (oids: readonly Oid[]) => Promise<readonly (GitObject | null)[]>;

/**
 * Reads an intent. Throws `ATTESTATION_MISMATCH` for one that is not of the form: with a parent, a file that doesn't belong there, a value
 * that the operations don't name, trailers that are none; `FORMAT_UNSUPPORTED` for another version.
 */
export async function readIntent(read: ReadObjects, namer: ObjectNamer, oid: Oid): Promise<Intent> {
  const { format } = namer;
  const commit = decodeCommit((await one(read, oid, 'commit', oid)).body, oid, format);
  const trailers = parseIntentMessage(commit.message, oid);
  if (commit.parents.length > 0) throw trailerFault(oid, 'an intent has no parent');
  const root = entriesOf((await one(read, commit.tree, 'tree', oid)).body, format);
  const file = root.get(OPERATIONS_FILE);
  if (file?.mode !== MODE_FILE) throw trailerFault(oid, `its tree has no ${OPERATIONS_FILE}`);
  for (const [name, { mode }] of root) {
    const known = name === OPERATIONS_FILE || (mode === MODE_DIR && [VALUES_DIR, MANIFESTS_DIR, CHUNKS_DIR].includes(name));
    if (!known) throw trailerFault(oid, 'its tree has a file that is not an intent’s');
  }
  const operations = decodeOperations((await one(read, file.oid, 'blob', oid)).body, `intent ${oid}`);
  const folder = async (name: string): Promise<ReadonlyMap<string, Oid>> => {
    const at = root.get(name);
    if (at === undefined) return new Map();
    const entries = entriesOf((await one(read, at.oid, 'tree', oid)).body, format);
    if ([...entries.values()].some(({ mode }) => mode !== MODE_FILE))
      throw trailerFault(oid, `its ${name}/ holds something else than plain files`);
    return new Map([...entries].map(([file, entry]) => [file, entry.oid]));
  };
  const named = (dir: string): number => operations.ops.filter((each) => each.op === 'set' && each.file.dir === dir).length;
  const values = inOrder(await folder(VALUES_DIR), named(VALUES_DIR), oid, VALUES_DIR);
  const manifests = inOrder(await folder(MANIFESTS_DIR), named(MANIFESTS_DIR), oid, MANIFESTS_DIR);
  const chunks = await folder(CHUNKS_DIR);
  if ([...chunks.keys()].some((digest) => !DIGEST.test(digest)))
    throw trailerFault(oid, `its ${CHUNKS_DIR}/ has a file that is named by no digest`);
  // There is one tree for what it says: no file comes in twice, or in another order.
  if (intentTree(namer, operations, { values, manifests, chunks }, []) !== commit.tree)
    throw trailerFault(oid, 'its tree is not in canonical form');
  return { oid, commit, text: messageText(commit.message), trailers, operations, values, manifests, chunks };
}

/** Reads an intent's trailers. Throws `ATTESTATION_MISMATCH`, and `FORMAT_UNSUPPORTED` for another version. */
function parseIntentMessage(message: string, oid: Oid): IntentTrailers {
  const t = readTrailers(message, oid, NAMES);
  if (t('KV-Intent') !== VERSION) {
    throw new KvError('FORMAT_UNSUPPORTED', `intent ${oid} is not of version ${VERSION}`, { hint: 'update git-kv' });
  }
  const [ns, txn, epoch, repository] = [t('KV-NS'), t('KV-Txn'), fromDash(t('KV-Epoch')), t('KV-Repository')];
  if (!isNamespace(ns)) throw trailerFault(oid, 'KV-NS is no namespace');
  if (!isUlid(txn)) throw trailerFault(oid, 'KV-Txn is no ULID');
  if (epoch !== null && !isEpochLabel(epoch)) throw trailerFault(oid, 'KV-Epoch is no epoch’s label');
  if (!isRepositoryId(repository)) throw trailerFault(oid, 'KV-Repository is no repository’s id');
  return { ns, txn, epoch, repository };
}

async function one(read: ReadObjects, oid: Oid, type: GitObject['type'], intent: Oid): Promise<GitObject> {
  const [object] = await read([oid]);
  if (object?.type === type) return object;
  throw trailerFault(intent, object ? `its ${oid} is no ${type}` : `its ${type} ${oid} is missing`);
}

function entriesOf(body: Uint8Array, format: ObjectFormat): Map<string, { readonly mode: string; readonly oid: Oid }> {
  const entries = new Map<string, { readonly mode: string; readonly oid: Oid }>();
  const cursor = new TreeCursor(body, oidBytesIn(format));
  while (cursor.next()) entries.set(cursor.name, { mode: cursor.mode, oid: cursor.oid() });
  return entries;
}

function inOrder(files: ReadonlyMap<string, Oid>, count: number, oid: Oid, dir: string): Oid[] {
  const list = Array.from({ length: count }, (_, at) => files.get(String(at)));
  if (files.size === count && list.every((blob) => blob !== undefined)) return list as Oid[];
  throw trailerFault(oid, `its ${dir}/ is not what its operations name`);
}
