import { decodeCount, decodeId, decodeText, encodeText, fieldsOf } from './wire.js';

/** A key as it stands in etcd. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** The revision that made the key; another one each time that it is made anew, and always a larger one. */
  readonly createRevision: number;
  /** The revision that has changed it last. */
  readonly modRevision: number;
  /** The lease that it ends with; '0' when it has none. */
  readonly lease: string;
}

/** What must be so of a key at the moment of a transaction. A key that is not there has revision 0. */
export type Compare =
  | { readonly key: string; readonly createRevision: number }
  | { readonly key: string; readonly modRevision: number };

/** One step of a transaction. */
export type Operation =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly get: string }
  | { readonly remove: string };

/** A comparison, as the gateway takes it. */
export function encodeCompare(compare: Compare): unknown {
  const equal = { key: encodeText(compare.key), result: 'EQUAL' };
  if ('createRevision' in compare) return { ...equal, target: 'CREATE', create_revision: String(compare.createRevision) };
  return { ...equal, target: 'MOD', mod_revision: String(compare.modRevision) };
}

/** A step of a transaction, as the gateway takes it. */
export function encodeOperation(operation: Operation): unknown {
  if ('get' in operation) return { request_range: { key: encodeText(operation.get) } };
  if ('remove' in operation) return { request_delete_range: { key: encodeText(operation.remove) } };
  const { put, value, lease } = operation;
  return { request_put: { key: encodeText(put), value: encodeText(value), ...(lease === undefined ? {} : { lease }) } };
}

/** The first key of an answer's list; null when there is none. Throws `IO_ERROR` for numbers that are none. */
export function keyValue(kvs: unknown): KeyValue | null {
  if (!Array.isArray(kvs) || kvs.length === 0) return null;
  const kv = fieldsOf((kvs as unknown[])[0]);
  return {
    key: decodeText(kv['key']),
    value: decodeText(kv['value']),
    createRevision: decodeCount(kv['create_revision'], 'revision'),
    modRevision: decodeCount(kv['mod_revision'], 'revision'),
    lease: decodeId(kv['lease']),
  };
}
