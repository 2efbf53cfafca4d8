import { basename } from 'node:path';
import { typeOfBytes, typeOfFile, typeOfText } from '../../domain/client/content-type.js';
import type { RequestedOperation } from '../../domain/client/operations.js';
import { quoteKey } from '../../domain/key.js';
import { KvError } from '../../ports/error.js';
import { keyArgument, textArgument } from './argument-bytes.js';
import { isRegularFile, readRegularFile, readStandardInput } from './files.js';
import type { FlagValues, VALUE_FLAGS } from './flags.js';
import { formatCount } from './render/units.js';
import { note } from './terminal.js';
import { sizeFlag, ttlFlag } from './units.js';

interface Value {
  readonly bytes: Uint8Array;
  readonly ctype: string;
  /** Where it was taken from, for people. */
  readonly taken: string;
}

/**
 * The operation that `set` and `cas set` ask for. Says on standard error where the value was taken from.
 * Throws `KEY_INVALID`, `USAGE`, `IO_ERROR`, `POLICY_VIOLATION`.
 */
export async function setOperation(args: readonly string[], flags: FlagValues<typeof VALUE_FLAGS>, now: number): Promise<RequestedOperation> {
  const [key = '', argument] = args;
  keyArgument(key);
  const expiresAt = flags.ttl === undefined ? undefined : ttlFlag(flags.ttl, now);
  const limit = flags['max-inline'] === undefined ? undefined : sizeFlag('max-inline', flags['max-inline']);
  const { bytes, ctype, taken } = await readValue(argument, flags);
  note(`value: ${taken} (${formatCount(bytes.length)} ${bytes.length === 1 ? 'byte' : 'bytes'})`);
  if (limit !== undefined && bytes.length > limit) {
    throw new KvError('POLICY_VIOLATION', `value of ${quoteKey(key)} is larger than --max-inline (${bytes.length} > ${limit} bytes)`, {
      hint: 'this git-kv stores values inline only, chunks are not there yet: raise --max-inline as far as the policy allows',
      details: { key, size: bytes.length, limit },
    });
  }
  const operation = { op: 'set', key, value: bytes, ctype: flags.ctype ?? ctype } as const;
  return expiresAt === undefined ? operation : { ...operation, expiresAt };
}

/** `-` is standard input, a name of a file that is there is that file, everything else is the value itself. */
async function readValue(argument: string | undefined, { file, value }: FlagValues<typeof VALUE_FLAGS>): Promise<Value> {
  const given = [argument, file, value].filter((one) => one !== undefined).length;
  if (given !== 1) {
    throw new KvError('USAGE', given === 0 ? 'no value: give VALUE, --file or --value' : 'more than one value: give one of VALUE, --file and --value', {
      hint: 'for example: git kv set cfg:mode on',
    });
  }
  if (value !== undefined) return inline(value);
  if (file !== undefined) return fromFile(file);
  if (argument === '-') {
    const bytes = await readStandardInput();
    return { bytes, ctype: typeOfBytes(bytes), taken: 'standard input' };
  }
  return argument !== undefined && argument !== '' && (await isRegularFile(argument)) ? fromFile(argument) : inline(argument ?? '');
}

async function fromFile(path: string): Promise<Value> {
  return { bytes: await readRegularFile(path), ctype: typeOfFile(basename(path)), taken: `file ${path}` };
}

function inline(text: string): Value {
  return { bytes: Buffer.from(textArgument(text), 'utf8'), ctype: typeOfText(text), taken: 'inline text' };
}
