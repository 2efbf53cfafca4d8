import { readFileSync } from 'node:fs';
import { keyBytes, quoteKey } from '../../../domain/ledger/value/key.js';
import { KvError } from '../../../ports/error.js';

const REPLACEMENT = '\ufffd';

/**
 * Checks a key of the command line. Node gives U+FFFD for bytes that are no UTF-8, so that two wrong keys would be one:
 * such a key is compared with the bytes the process was started with. Throws `KEY_INVALID`.
 */
export function keyArgument(key: string): string {
  keyBytes(key);
  if (!isFaithful(key)) {
    throw new KvError('KEY_INVALID', `invalid key ${quoteKey(key)}: it is not valid UTF-8`, {
      hint: 'a key is 1 to 512 bytes of UTF-8 without control characters',
    });
  }
  return key;
}

/** Checks a value of the command line, as `keyArgument` does. Throws `INPUT_INVALID`. */
export function textArgument(text: string): string {
  if (isFaithful(text)) return text;
  throw new KvError('INPUT_INVALID', 'the value on the command line is not valid UTF-8', {
    hint: 'give it as a file, or on standard input as -',
  });
}

/** False when the argument's bytes were not what its text says, or that can't be told. */
function isFaithful(text: string): boolean {
  if (!text.includes(REPLACEMENT)) return true;
  let cmdline: Buffer;
  try {
    cmdline = readFileSync('/proc/self/cmdline');
  } catch {
    return false; // no such file outside Linux: better to refuse than to write under another name
  }
  const mangled = splitAtNul(cmdline).filter((bytes) => !Buffer.from(bytes.toString('utf8')).equals(bytes));
  return !mangled.some((bytes) => bytes.toString('utf8').includes(text));
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(0, start);
    const end = found < 0 ? bytes.length : found;
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return parts;
}
