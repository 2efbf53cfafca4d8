import type { ListedKey } from '../../../domain/client/list.js';
import { formatCount, formatTimeShort } from './units.js';

/** One key of a long listing: size, time, type, key. Widths are fixed, since a stream can't look ahead. */
export function longLine({ key, detail }: ListedKey): string {
  if (detail === undefined) return `${'-'.padStart(13)}  ${'-'.padEnd(20)}  ${'-'.padEnd(26)}  ${key}`;
  return `${formatCount(detail.size).padStart(13)}  ${formatTimeShort(detail.createdAt)}  ${detail.ctype.padEnd(26)}  ${key}`;
}

export function listedDocument({ key, detail }: ListedKey): object {
  if (detail === undefined) return { key };
  const { size, ctype, createdAt, createdBy, ttl, oid } = detail;
  return { key, size, ctype, created_at: createdAt, created_by: createdBy, ttl, oid };
}
