import type { Oid } from '../../../ports/vocabulary.js';
import { utf8 } from '../../git/bytes.js';
import {
  decodeRecord,
  isCount,
  isText,
  isTextOrNull,
  jsonText,
  PLAIN_TEXT,
  type RecordFormat,
  type Where,
} from '../canonical-json.js';
import { MODE_EXEC, MODE_FILE } from '../../git/tree/tree.js';

type PointerType = 'inline' | 'chunked' | 'deleted';

/** What the index says of a key: a `.ref` file. `size` in bytes, `ttl` ISO 8601 UTC. A tombstone has type `deleted`. */
export interface Pointer {
  readonly key: string;
  readonly type: PointerType;
  readonly ledgerBlob: Oid | null;
  readonly manifestBlob: Oid | null;
  readonly size: number;
  readonly ctype: string | null;
  readonly ttl: string | null;
}

/** A pointer that is as nearly all are: to a value in the ledger, none of its texts with an escape. */
const PLAIN = new RegExp(
  `^\\{"v":1,"key":"(${PLAIN_TEXT})","type":"inline","ledger_blob":"([0-9a-f]+)","manifest_blob":null,"size":(0|[1-9][0-9]{0,14}),` +
    `"ctype":"(${PLAIN_TEXT})"(?:,"ttl":"(${PLAIN_TEXT})")?\\}$`,
);

function plainPointer(text: string): Pointer | undefined {
  const found = PLAIN.exec(text);
  if (found === null) return undefined;
  const [, key, ledgerBlob, size, ctype, ttl = null] = found as unknown as [string, string, string, string, string, string?];
  return { key, type: 'inline', ledgerBlob, manifestBlob: null, size: Number(size), ctype, ttl };
}

const FORMAT: RecordFormat<Pointer> = {
  name: 'pointer',
  version: 1,
  most: 4096,
  read(fields) {
    const { key, type, ledger_blob: ledgerBlob, manifest_blob: manifestBlob, size, ctype } = fields;
    const ttl = fields['ttl'] ?? null;
    if (!isText(key) || !isTextOrNull(ledgerBlob) || !isTextOrNull(manifestBlob)) return undefined;
    if (!isCount(size) || !isTextOrNull(ctype) || !isTextOrNull(ttl)) return undefined;
    if (type !== 'inline' && type !== 'chunked' && type !== 'deleted') return undefined;
    return { key, type, ledgerBlob, manifestBlob, size, ctype, ttl };
  },
  write: encodePointer,
  plain: plainPointer,
};

/** The bytes of a pointer's blob. */
export function encodePointer({ key, type, ledgerBlob, manifestBlob, size, ctype, ttl }: Pointer): Uint8Array {
  const blobs = `"ledger_blob":${jsonText(ledgerBlob)},"manifest_blob":${jsonText(manifestBlob)}`;
  const rest = `"size":${size},"ctype":${jsonText(ctype)}${ttl === null ? '' : `,"ttl":${jsonText(ttl)}`}`;
  return utf8(`{"v":1,"key":${jsonText(key)},"type":"${type}",${blobs},${rest}}`);
}

/** Reads a pointer's blob; `where` names it in errors. Throws `FORMAT_UNSUPPORTED`, `ATTESTATION_MISMATCH`. */
export function decodePointer(bytes: Uint8Array, where: Where): Pointer {
  return decodeRecord(FORMAT, bytes, where);
}

/** The pointer of a key that was deleted. */
export function tombstone(key: string): Pointer {
  return { key, type: 'deleted', ledgerBlob: null, manifestBlob: null, size: 0, ctype: null, ttl: null };
}

/** `100644`: live and without a TTL, so that a listing needs the name alone. `100755`: open it first. */
export function pointerMode(pointer: Pointer): string {
  return pointer.type === 'deleted' || pointer.ttl !== null ? MODE_EXEC : MODE_FILE;
}
