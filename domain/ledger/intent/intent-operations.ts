import { isAnyOid, type Oid } from '../../../ports/vocabulary.js';
import { decodeRecord, encodeJson, isCount, isText, isTextOrNull, type RecordFormat } from '../canonical-json.js';
import { keyFault } from '../value/key.js';
import { isContentType, isTime } from '../value/metadata.js';

/** Where an intent's tree has its operations. */
export const OPERATIONS_FILE = 'ops.json';
/** The folders of an intent's tree: inline values, manifests, and the chunks that the epoch may lack. */
export const VALUES_DIR = 'values';
/** The folder of the manifests, numbered from 0 as the operations name them. */
export const MANIFESTS_DIR = 'manifests';
/** The folder of the new chunks, by their digests. */
export const CHUNKS_DIR = 'chunks';

/** The most operations that one intent may have. */
export const MAX_OPERATIONS = 100_000;
/** The longest `ops.json` that is read, bytes. */
const MAX_OPERATIONS_BYTES = 64 * 1024 * 1024;

/** What an intent does to one key. */
export type IntentOperation =
  | {
      readonly op: 'set';
      readonly key: string;
      /** Bytes of the value. */
      readonly size: number;
      readonly ctype: string;
      /** ISO 8601 UTC; null: none. */
      readonly ttl: string | null;
      /** The key keeps the TTL that it has when the intent is ordered; `ttl` is for one that has none. */
      readonly keepTtl: boolean;
      /** `blake3:<64 hex>` of the value. */
      readonly etag: string;
      /** Which file of `values/` or `manifests/` has it. */
      readonly file: { readonly dir: typeof VALUES_DIR | typeof MANIFESTS_DIR; readonly at: number };
    }
  /** `strict`: it is an error when the key is not there. */
  | { readonly op: 'del'; readonly key: string; readonly strict: boolean };

/** What a writer believes of one key: its blob (of a chunked value: the manifest's), or null for none. */
export interface ExpectedBlob {
  readonly key: string;
  readonly blob: Oid | null;
}

/** What stands in `ops.json`. */
export interface IntentOperations {
  readonly ops: readonly IntentOperation[];
  readonly expect: readonly ExpectedBlob[];
  /** The ledger's root tree that the writer believes in; null: the namespace is new; absent: any. */
  readonly expectTree?: Oid | null;
  /** Begin the epoch of this label instead of changing keys; absent: do not. */
  readonly epoch?: string;
}

const ETAG = /^blake3:[0-9a-f]{64}$/;
const FILE = /^(values|manifests)\/(0|[1-9]\d{0,5})$/;

const FORMAT: RecordFormat<IntentOperations> = {
  name: 'operations',
  version: 1,
  most: MAX_OPERATIONS_BYTES,
  read(fields) {
    const { ops, expect, expect_tree: tree, epoch } = fields;
    if (!Array.isArray(ops) || !Array.isArray(expect) || ops.length > MAX_OPERATIONS || expect.length > MAX_OPERATIONS)
      return undefined;
    const operations = readAll(ops, readOperation);
    const expected = readAll(expect, readExpected);
    if (operations === undefined || expected === undefined) return undefined;
    if (!eachOnce(operations) || !eachOnce(expected) || !numbered(operations)) return undefined;
    if (tree !== undefined && !isTextOrNull(tree)) return undefined;
    if (typeof tree === 'string' && !isAnyOid(tree)) return undefined;
    if (epoch !== undefined && (!isText(epoch) || operations.length > 0)) return undefined;
    return {
      ops: operations,
      expect: expected,
      ...(tree === undefined ? {} : { expectTree: tree }),
      ...(epoch === undefined ? {} : { epoch }),
    };
  },
  write: encodeOperations,
};

/** The bytes of `ops.json`. */
export function encodeOperations({ ops, expect, expectTree, epoch }: IntentOperations): Uint8Array {
  return encodeJson({
    v: 1,
    ops: ops.map(writeOperation),
    expect: expect.map(({ key, blob }) => ({ key, blob })),
    ...(expectTree === undefined ? {} : { expect_tree: expectTree }),
    ...(epoch === undefined ? {} : { epoch }),
  });
}

/**
 * Reads `ops.json`; `where` names it in errors. Throws `FORMAT_UNSUPPORTED` for another version, `ATTESTATION_MISMATCH` for what is not
 * canonical: a key twice, a key that is none, values that are not numbered in order, more operations than there may be.
 */
export function decodeOperations(bytes: Uint8Array, where: string): IntentOperations {
  return decodeRecord(FORMAT, bytes, where);
}

function writeOperation(one: IntentOperation): unknown {
  if (one.op === 'del') return { op: 'del', key: one.key, ...(one.strict ? { strict: true } : {}) };
  const { key, size, ctype, ttl, keepTtl, etag, file } = one;
  const name = file.dir === VALUES_DIR ? 'value' : 'manifest';
  const kept = keepTtl ? { keep_ttl: true } : {};
  return { op: 'set', key, size, ctype, ttl, ...kept, etag, [name]: `${file.dir}/${file.at}` };
}

function readAll<T>(list: readonly unknown[], read: (fields: Record<string, unknown>) => T | undefined): T[] | undefined {
  const all: T[] = [];
  for (const item of list) {
    const one = typeof item === 'object' && item !== null ? read(item as Record<string, unknown>) : undefined;
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

function readOperation(fields: Record<string, unknown>): IntentOperation | undefined {
  const { op, key } = fields;
  if (!isText(key) || keyFault(key) !== undefined) return undefined;
  if (op === 'del') return { op, key, strict: fields['strict'] === true };
  const { size, ctype, ttl, etag, value, manifest } = fields;
  if (op !== 'set' || !isCount(size) || !isText(ctype) || !isContentType(ctype)) return undefined;
  if (!isTextOrNull(ttl) || (ttl !== null && !isTime(ttl)) || !isText(etag) || !ETAG.test(etag)) return undefined;
  const named = value ?? manifest;
  const [, dir, at] = isText(named) ? (FILE.exec(named) ?? []) : [];
  if ((dir !== VALUES_DIR && dir !== MANIFESTS_DIR) || (dir === VALUES_DIR) !== (value !== undefined)) return undefined;
  return { op, key, size, ctype, ttl, keepTtl: fields['keep_ttl'] === true, etag, file: { dir, at: Number(at) } };
}

function readExpected({ key, blob }: Record<string, unknown>): ExpectedBlob | undefined {
  if (!isText(key) || keyFault(key) !== undefined || !isTextOrNull(blob)) return undefined;
  return blob === null || isAnyOid(blob) ? { key, blob } : undefined;
}

function eachOnce(list: readonly { readonly key: string }[]): boolean {
  return new Set(list.map(({ key }) => key)).size === list.length;
}

/** The files of each folder are named in their order: there is one way to write an intent. */
function numbered(operations: readonly IntentOperation[]): boolean {
  const next = { [VALUES_DIR]: 0, [MANIFESTS_DIR]: 0 };
  return operations.every((one) => one.op === 'del' || one.file.at === next[one.file.dir]++);
}
