import { crc32 } from 'node:zlib';
import { type Head, KvError } from '../../ports/index.js';

/** One file's content: what was decided, or that the repository was removed. */
export interface DecisionRecord {
  readonly head: Head | null;
}

/** The record as one line: the CRC-32 of the JSON in eight hex digits, a space, the JSON, LF. */
export function encodeDecision({ head }: DecisionRecord): Buffer {
  const json = JSON.stringify({ decision: 'git-kv', v: 1, head });
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

/** The record of a file. Throws `JOURNAL_CORRUPT` when it is damaged, `FORMAT_UNSUPPORTED` for a version that is not known. */
export function decodeDecision(bytes: Buffer, path: string): DecisionRecord {
  const text = bytes.toString('utf8');
  const json = text.slice(9, -1);
  const isWhole = /^[0-9a-f]{8} \{.*\}\n$/.test(text) && crc32(json) === Number.parseInt(text.slice(0, 8), 16);
  if (!isWhole)
    throw new KvError('JOURNAL_CORRUPT', `${path}: the decision does not match its checksum`, {
      hint: 'stop the Stargate, keep a copy of the folder, and restore it from a backup',
      details: { file: path },
    });
  const { v, head } = JSON.parse(json) as { readonly v: unknown; readonly head: Head | null }; // the checksum is that of what we wrote
  if (v !== 1)
    throw new KvError('FORMAT_UNSUPPORTED', `${path}: a decision of version ${JSON.stringify(v)} is not known`, {
      hint: 'a newer git-kv wrote this decision: run that version, or a later one',
    });
  return { head };
}

/** A repository's folder: small letters, digits, `-` and `_` as they are, all else in hex, so that no two names meet on any file system. */
export function folderName(repository: string): string {
  if (repository === '' || Buffer.byteLength(repository) > 255)
    throw new KvError('INPUT_INVALID', 'the name of a repository has 1 to 255 bytes');
  const name = [...Buffer.from(repository)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[a-z0-9_-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
  if (name.length <= 255) return name;
  throw new KvError('INPUT_INVALID', `the name of the repository is too long for a folder: ${repository.slice(0, 40)}…`);
}
