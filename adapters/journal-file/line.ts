import { crc32 } from 'node:zlib';
import { type JournalRecord, KvError } from '../../ports/index.js';

/**
 * The file: a header line, then one line a record: the CRC-32 of the JSON's UTF-8 bytes as eight lower-case hex digits,
 * a space, the JSON, LF. JSON writes no raw LF, so a line is a record.
 */
export const HEADER = '{"journal":"git-kv","v":1}\n';

const KINDS: ReadonlySet<unknown> = new Set(['intent', 'done', 'aborted', 'mirrored']);

/** A record as its line: the CRC-32 of the JSON in eight hex digits, a space, the JSON, LF. */
export function encodeRecord(record: JournalRecord): Buffer {
  const json = JSON.stringify(record);
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

/** The record of a line without its LF; null when the line is damaged. Throws `FORMAT_UNSUPPORTED` for an unknown kind. */
export function decodeLine(line: Buffer, where: string): JournalRecord | null {
  const sum = line.toString('latin1', 0, 9);
  if (!/^[0-9a-f]{8} $/.test(sum)) return null;
  const json = line.subarray(9);
  if (crc32(json) !== Number.parseInt(sum, 16)) return null;
  const record = JSON.parse(json.toString('utf8')) as JournalRecord;
  if (!KINDS.has(record.kind)) {
    throw new KvError('FORMAT_UNSUPPORTED', `${where}: a record of kind '${String(record.kind)}'`, {
      hint: 'a newer git-kv wrote this journal: run that version, or a later one',
    });
  }
  return record;
}

/** Throws `FORMAT_UNSUPPORTED` for a version this program doesn't know, `JOURNAL_CORRUPT` for what is no header at all. */
export function checkHeader(line: string, path: string): void {
  if (line === HEADER) return;
  const version = /^\{"journal":"git-kv","v":(\d+)/.exec(line)?.[1];
  if (version !== undefined && version !== '1') {
    throw new KvError('FORMAT_UNSUPPORTED', `${path}:1: journal format ${version} is not known`, {
      hint: 'a newer git-kv wrote this journal: run that version, or a later one',
    });
  }
  throw new KvError('JOURNAL_CORRUPT', `${path}:1: not a git-kv journal`, {
    hint: 'move the file aside once you know why it is there; the next start makes a new one',
  });
}
