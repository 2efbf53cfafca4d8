import type { ListedKey } from '../../../../domain/client/read/list.js';
import { formatBytes, formatTimeShort } from '../units.js';

/** Widths are fixed, since a stream can't look ahead. */
const row = (size: string, time: string, expires: string, type: string, key: string): string =>
  `${size.padStart(10)}  ${time.padEnd(20)}  ${expires.padEnd(22)}  ${type.padEnd(26)}  ${key}`;

/** What stands above the columns of a long listing on a terminal. */
export const LONG_HEAD = row('size', 'time', 'expires', 'type', 'key');

/** One key of a long listing. */
export function longLine({ key, detail }: ListedKey): string {
  if (detail === undefined) return row('-', '-', '-', '-', key);
  const { size, createdAt, ttl, expired, ctype } = detail;
  const expires = ttl === null ? '-' : `${formatTimeShort(ttl)}${expired ? ' !' : ''}`;
  return row(formatBytes(size), formatTimeShort(createdAt), expires, ctype, key);
}

/** A listed key as `--json` shows it. */
export function listedDocument({ key, detail }: ListedKey): object {
  if (detail === undefined) return { key };
  const { size, ctype, createdAt, createdBy, ttl, expired, oid, txn } = detail;
  return { key, size, ctype, created_at: createdAt, created_by: createdBy, ttl, expired, oid, txn };
}
