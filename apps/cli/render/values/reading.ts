import type { Reading } from '../../../../domain/client/read/read.js';
import { decodeUtf8 } from '../../../../domain/git/bytes.js';

/** All of a stream. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** A value as `--json` shows it. */
export function content(value: Uint8Array): object {
  const text = decodeUtf8(value);
  return text === undefined ? { value_b64: Buffer.from(value).toString('base64') } : { value: text };
}

/** A key that was read as `--json` shows it, with what it has of the value. */
export function readingDocument(ns: string, reading: Reading, value: object): object {
  const { key, size, meta, oid, commit, tree, epoch, expired } = reading;
  return {
    ok: true,
    ns,
    key,
    ...value,
    size,
    ctype: meta.ctype,
    ttl: meta.ttl,
    etag: meta.etag,
    created_by: meta.createdBy,
    created_at: meta.createdAt,
    txn: meta.txn,
    oid,
    commit,
    tree,
    epoch,
    expired,
  };
}
