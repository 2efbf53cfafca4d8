/** The ids and records that every port speaks. */

/** The hash that names a repository's objects. */
export type ObjectFormat = 'sha1' | 'sha256';

/** An object id: lower-case hex, opaque. Its length follows the object format and is never assumed. */
export type Oid = string;

/** A full ref name, such as `refs/kv/main`. */
export type RefName = string;

/** The four types of Git objects. */
export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag';

/** An object read from a store: `body` is the content without Git's header. */
export interface GitObject {
  readonly oid: Oid;
  readonly type: ObjectType;
  readonly body: Uint8Array;
}

/** What can be known of an object without reading it; `size` in bytes. */
export interface ObjectHeader {
  readonly oid: Oid;
  readonly type: ObjectType;
  readonly size: number;
}

/** A move of one ref. `null` stands for "does not exist": as `old` it creates, as `next` it deletes. */
export interface RefUpdate {
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly next: Oid | null;
}

/** One accepted transaction, as the watchlog tells it. Times are ISO 8601 UTC with milliseconds. */
export interface WatchEvent {
  readonly v: 1;
  readonly ns: string;
  readonly epoch: string;
  /** The ledger commit. */
  readonly oid: Oid;
  /** The transaction's ULID. */
  readonly txn: string;
  /** When the Stargate accepted it (its own clock). */
  readonly received: string;
  /** The name of the key that signed the ledger commit, as the policy lists it; `-` when unsigned. */
  readonly signer: string;
  /** Keys set and keys deleted. */
  readonly set: number;
  readonly del: number;
  /** On the event that begins an epoch: the label of the one before, whose watchlog goes on from here backwards. Else null. */
  readonly parentEpoch: string | null;
}

/** How many hex digits an object id has. */
export const OID_HEX_LENGTH: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 };

/** True when `value` is a full object id of the given format. */
export function isOid(value: string, format: ObjectFormat): value is Oid {
  if (value.length !== OID_HEX_LENGTH[format]) return false;
  // Each write asks this of each object: a pattern takes several times as long.
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 48 || code > 102 || (code > 57 && code < 97)) return false;
  }
  return true;
}

/** True when `value` is a full object id of either format: for whoever doesn't know the repository's. */
export function isAnyOid(value: string): value is Oid {
  return isOid(value, 'sha1') || isOid(value, 'sha256');
}
