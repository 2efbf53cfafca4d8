import { basename } from 'node:path';
import type { Clone } from '../../../domain/client/clone/clone.js';
import { checkedJson, JSON_CHECK_MAX, saysJson } from '../../../domain/client/write/value/json-check.js';
import { DEFAULT_CTYPE } from '../../../domain/ledger/value/metadata.js';
import { typeOfFile, typeOfText } from '../../../domain/client/write/value/content-type.js';
import type { RequestedOperation, ValueStream } from '../../../domain/client/write/operations.js';
import { KvError } from '../../../ports/error.js';
import { keyArgument, textArgument } from './argument-bytes.js';
import { fileKind, fileSize, fileStream, sniffType, standardInput } from '../io/files.js';
import type { FlagValues, VALUE_FLAGS } from './flags.js';
import { formatBytes, formatCount } from '../render/units.js';
import { note, warn } from '../io/terminal.js';
import { ttlFlag } from './units.js';
import { looksLikePath, pairsRefused } from './value-argument.js';

interface Value {
  readonly value: Uint8Array | ValueStream;
  /** Undefined: what standard input brings, which is looked at as it comes. */
  readonly ctype: string | undefined;
  /** Bytes, where it is known beforehand. */
  readonly size?: number;
  /** Where it was taken from, for people. */
  readonly taken: string;
}

type ValueFlags = FlagValues<typeof VALUE_FLAGS>;

/**
 * The operation that `set` and `cas set` ask for. Says on standard error where the value was taken from.
 * Throws `KEY_INVALID`, `USAGE`, `IO_ERROR`, `INPUT_INVALID`, `CONFIG_INVALID`.
 */
export async function setOperation(
  args: readonly string[],
  flags: ValueFlags,
  { clock, config }: Pick<Clone, 'clock' | 'config'>,
): Promise<RequestedOperation> {
  const [key = '', argument] = args;
  const pairs = flags.file === undefined && flags.value === undefined ? pairsRefused(args) : undefined;
  if (pairs !== undefined) throw pairs;
  keyArgument(key);
  const ttl = expiryOf(flags, clock.now());
  const { value, ctype, size, taken } = await readValue(argument, flags, () => takesFiles(config.get('kv.setfiles')));
  note(`value: ${taken}`);
  const json = flags.ctype !== undefined && saysJson(flags.ctype);
  if (json && size !== undefined && size > JSON_CHECK_MAX)
    warn(`a value above ${formatBytes(JSON_CHECK_MAX)} is not checked to be JSON`);
  const given = json ? checkedJson(key, value) : value;
  return { op: 'set', key, value: given, ctype: flags.ctype ?? ctype ?? DEFAULT_CTYPE, ...ttl };
}

/** What `--ttl` and `--keep-ttl` say of the key's expiry. */
function expiryOf(flags: ValueFlags, now: number): Pick<RequestedOperation & { op: 'set' }, 'expiresAt' | 'priorTtl'> {
  if (flags.ttl === undefined) return { priorTtl: flags['keep-ttl'] === true ? 'keep' : 'warn' };
  if (flags['keep-ttl'] === true)
    throw new KvError('USAGE', '--ttl and --keep-ttl contradict each other', { hint: 'leave one of them out' });
  const expiresAt = ttlFlag(flags.ttl, now);
  return expiresAt === undefined ? {} : { expiresAt };
}

/** What `kv.setFiles` says: whether a VALUE may stand for a file, or for standard input. */
function takesFiles(configured: string | undefined): boolean {
  if (configured === undefined || configured === 'existing') return true;
  if (configured === 'never') return false;
  throw new KvError('CONFIG_INVALID', `kv.setFiles is ${JSON.stringify(configured)}, which is neither existing nor never`, {
    hint: 'git config kv.setFiles never',
  });
}

/** `-` is standard input, a name of a file that is there is that file, everything else is the value itself, unless it looks like a path. */
async function readValue(argument: string | undefined, { file, value }: ValueFlags, filesAllowed: () => boolean): Promise<Value> {
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
  if (file !== undefined) return file === '-' ? fromStandardInput() : fromFile(file);
  if (argument === undefined || argument === '' || !filesAllowed()) return inline(argument ?? '');
  if (argument === '-') return fromStandardInput();
  const kind = await fileKind(argument);
  if (kind === 'file') return fromFile(argument);
  if (!looksLikePath(argument)) return inline(argument);
  const what = kind === 'other' ? 'is no regular file' : 'is not there';
  throw new KvError('USAGE', `${JSON.stringify(argument.slice(0, 200))} looks like a file's path, and ${what}`, {
    hint: 'correct the path; if it is the text itself that you mean: --value TEXT',
  });
}

/** The beginning says whether it is text; the rest may be larger than the memory. */
async function fromStandardInput(): Promise<Value> {
  if (process.stdin.isTTY === true) note('waiting for the value: type it, and end it with Ctrl-D on a line of its own');
  const { ctype, stream } = await sniffType(standardInput());
  return { value: { stream }, ctype, taken: 'standard input' };
}

async function fromFile(path: string): Promise<Value> {
  const size = await fileSize(path);
  const taken = `file ${path} (${bytesText(size)})`;
  return { value: { stream: fileStream(path) }, ctype: typeOfFile(basename(path)), size, taken };
}

function inline(text: string): Value {
  const value = Buffer.from(textArgument(text), 'utf8');
  return { value, ctype: typeOfText(text), taken: `inline text (${bytesText(value.length)})` };
}

const bytesText = (size: number): string => `${formatCount(size)} ${size === 1 ? 'byte' : 'bytes'}`;
