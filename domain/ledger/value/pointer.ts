import type { Oid } from '../../../ports/vocabulary.js';
import { decodeRecord, encodeJson, isCount, isText, isTextOrNull, type RecordFormat } from '../canonical-json.js';
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
};

/** The bytes of a pointer's blob. */
export function encodePointer(pointer: Pointer): Uint8Array {
  return encodeJson({
    v: 1,
    key: pointer.key,
    type: pointer.type,
    ledger_blob: pointer.ledgerBlob,
    manifest_blob: pointer.manifestBlob,
    size: pointer.size,
    ctype: pointer.ctype,
    ...(pointer.ttl === null ? {} : { ttl: pointer.ttl }),
  });
}

/** Reads a pointer's blob; `where` names it in errors. Throws `FORMAT_UNSUPPORTED`, `ATTESTATION_MISMATCH`. */
export function decodePointer(bytes: Uint8Array, where: string): Pointer {
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
