import { decodeRecord, encodeJson, isText, isTextOrNull, PLAIN_TEXT, type RecordFormat, type Where } from '../canonical-json.js';
import { isUlid } from '../ulid.js';

/** A key's `.meta` file. Times ISO 8601 UTC with milliseconds; `etag` is `blake3:<64 hex>` of the value. */
export interface Metadata {
  readonly ctype: string;
  readonly ttl: string | null;
  readonly etag: string;
  readonly createdBy: string;
  readonly createdAt: string;
  /** The transaction that set it: its ULID. */
  readonly txn: string;
}

/** The content type of bytes of which nothing is known. */
export const DEFAULT_CTYPE = 'application/octet-stream';
/** The longest content type, in characters. */
export const MAX_CTYPE_LENGTH = 255;
const MAX_CREATED_BY_LENGTH = 320;
/** The longest metadata, bytes: it has a few hundred. */
export const MAX_METADATA = 4096;

/** RFC 6838's type/subtype with optional parameters, printable ASCII. */
const CTYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*(?:\s*;[\x20-\x7e]*)?$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const ETAG = /^blake3:[0-9a-f]{64}$/;

/** Whether a text is a media type as RFC 6838 spells it, with or without parameters. */
export function isContentType(text: string): boolean {
  return text.length <= MAX_CTYPE_LENGTH && CTYPE.test(text);
}

/** True for a time in the one form that the formats use. */
export function isTime(text: string): boolean {
  if (!ISO_TIME.test(text)) return false;
  const part = (at: number): number => Number(text.slice(at, at + 2));
  const [month, day] = [part(5), part(8)];
  if (month < 1 || month > 12 || day < 1 || part(11) > 23 || part(14) > 59 || part(17) > 59) return false;
  return day <= 28 || day <= daysIn(Number(text.slice(0, 4)), month);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The one form of a time that the formats use. `ms` since the epoch. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Metadata whose fields are all as they nearly always are: parsing JSON, and writing it again to compare, takes several times as long. */
const PLAIN = new RegExp(
  `^\\{"v":1,"ctype":"([A-Za-z0-9]${PLAIN_TEXT})",(?:"ttl":"([-0-9T:.Z]+)",)?"etag":"(blake3:[0-9a-f]{64})",` +
    `"created_by":"(${PLAIN_TEXT})","created_at":"([-0-9T:.Z]+)","txn":"([0-9A-Z]{26})"\\}$`,
);

function plainMetadata(text: string): Metadata | undefined {
  const found = PLAIN.exec(text);
  if (found === null) return undefined;
  const [, ctype, ttl = null, etag, createdBy, createdAt, txn] = found as unknown as [string, string, string?, ...string[]];
  const meta = { ctype, ttl, etag, createdBy, createdAt, txn } as Metadata;
  return isSound(meta) ? meta : undefined;
}

/** Whether fields of the right types have what they may have; but for the ETag. */
function isSound({ ctype, ttl, createdBy, createdAt, txn }: Metadata): boolean {
  if (!isContentType(ctype) || !isTime(createdAt) || (ttl !== null && !isTime(ttl))) return false;
  return isUlid(txn) && createdBy.length <= MAX_CREATED_BY_LENGTH && !/\p{Cc}/u.test(createdBy);
}

const FORMAT: RecordFormat<Metadata> = {
  name: 'metadata',
  version: 1,
  most: MAX_METADATA,
  read(fields) {
    const { ctype, etag, created_by: createdBy, created_at: createdAt, txn } = fields;
    const ttl = fields['ttl'] ?? null;
    if (!isText(ctype) || !isTextOrNull(ttl) || !isText(etag) || !isText(createdBy)) return undefined;
    if (!isText(createdAt) || !isText(txn)) return undefined;
    const meta = { ctype, ttl, etag, createdBy, createdAt, txn };
    return ETAG.test(etag) && isSound(meta) ? meta : undefined;
  },
  write: encodeMetadata,
  plain: plainMetadata,
};

/** The bytes of a metadata blob. */
export function encodeMetadata(meta: Metadata): Uint8Array {
  return encodeJson({
    v: 1,
    ctype: meta.ctype,
    ...(meta.ttl === null ? {} : { ttl: meta.ttl }),
    etag: meta.etag,
    created_by: meta.createdBy,
    created_at: meta.createdAt,
    txn: meta.txn,
  });
}

/** Reads a metadata blob; `where` names it in errors. Throws `FORMAT_UNSUPPORTED`, `ATTESTATION_MISMATCH`. */
export function decodeMetadata(bytes: Uint8Array, where: Where): Metadata {
  return decodeRecord(FORMAT, bytes, where);
}
