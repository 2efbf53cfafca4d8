import { basename } from 'node:path';
import { DEFAULT_CTYPE } from '../../../domain/ledger/metadata.js';
import { typeOfFile, typeOfText } from '../../../domain/client/write/content-type.js';
import type { RequestedOperation, ValueStream } from '../../../domain/client/write/operations.js';
import { KvError } from '../../../ports/error.js';
import { keyArgument, textArgument } from './argument-bytes.js';
import { fileSize, fileStream, isRegularFile, sniffType, standardInput } from '../io/files.js';
import type { FlagValues, VALUE_FLAGS } from './flags.js';
import { formatCount } from '../render/units.js';
import { note } from '../io/terminal.js';
import { ttlFlag } from './units.js';

interface Value {
  readonly value: Uint8Array | ValueStream;
  /** Undefined: what standard input brings, which is looked at as it comes. */
  readonly ctype: string | undefined;
  /** Where it was taken from, for people. */
  readonly taken: string;
}

/**
 * The operation that `set` and `cas set` ask for. Says on standard error where the value was taken from.
 * Throws `KEY_INVALID`, `USAGE`, `IO_ERROR`.
 */
export async function setOperation(
  args: readonly string[],
  flags: FlagValues<typeof VALUE_FLAGS>,
  now: number,
): Promise<RequestedOperation> {
  const [key = '', argument] = args;
  keyArgument(key);
  const expiresAt = flags.ttl === undefined ? undefined : ttlFlag(flags.ttl, now);
  const { value, ctype, taken } = await readValue(argument, flags);
  note(`value: ${taken}`);
  const operation = { op: 'set', key, value, ctype: flags.ctype ?? ctype ?? DEFAULT_CTYPE } as const;
  return expiresAt === undefined ? operation : { ...operation, expiresAt };
}

/** `-` is standard input, a name of a file that is there is that file, everything else is the value itself. */
async function readValue(argument: string | undefined, { file, value }: FlagValues<typeof VALUE_FLAGS>): Promise<Value> {
  const given = [argument, file, value].filter((one) => one !== undefined).length;
  if (given !== 1) {
    throw new KvError(
      'USAGE',
      given === 0 ? 'no value: give VALUE, --file or --value' : 'more than one value: give one of VALUE, --file and --value',
      {
        hint: 'for example: git kv set cfg:mode on',
      },
    );
  }
  if (value !== undefined) return inline(value);
  if (file !== undefined) return fromFile(file);
  if (argument === '-') return fromStandardInput();
  return argument !== undefined && argument !== '' && (await isRegularFile(argument))
    ? fromFile(argument)
    : inline(argument ?? '');
}

/** The beginning says whether it is text; the rest may be larger than the memory. */
async function fromStandardInput(): Promise<Value> {
  const { ctype, stream } = await sniffType(standardInput());
  return { value: { stream }, ctype, taken: 'standard input' };
}

async function fromFile(path: string): Promise<Value> {
  const size = await fileSize(path);
  return { value: { stream: fileStream(path) }, ctype: typeOfFile(basename(path)), taken: `file ${path} (${bytesText(size)})` };
}

function inline(text: string): Value {
  const value = Buffer.from(textArgument(text), 'utf8');
  return { value, ctype: typeOfText(text), taken: `inline text (${bytesText(value.length)})` };
}

const bytesText = (size: number): string => `${formatCount(size)} ${size === 1 ? 'byte' : 'bytes'}`;
