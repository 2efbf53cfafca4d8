import { KvError } from '../../../ports/error.js';
import { COMMANDS } from '../commands/index.js';
import { nearest } from '../../../ports/grammar/nearest.js';
import { batchHint, pairsRefused, quoted } from '../parse/value-argument.js';
import { shortUsage } from '../render/usage.js';

interface ParseFailure {
  readonly message: string;
  readonly parse?: unknown;
  readonly args?: readonly (string | { readonly name: string })[];
  readonly flags?: readonly string[];
}

/** oclif's complaints about a command line as a `USAGE` error with the command's usage; everything else as it is. */
export function usageError(thrown: unknown, id: string, argv: readonly string[]): unknown {
  if (KvError.is(thrown) || !isComplaint(thrown)) return thrown;
  const pairs = id === 'set' && isStray(thrown) ? pairsRefused(argv.filter((arg) => !arg.startsWith('-'))) : undefined;
  if (pairs !== undefined) return pairs;
  const command = COMMANDS[id];
  const known = Object.keys({ ...command?.baseFlags, ...command?.flags });
  const [unknown] = thrown.flags ?? [];
  const meant = unknown?.startsWith('--') ? nearest(unknown.slice(2).split('=')[0] ?? '', known) : undefined;
  const name = `git kv ${id.replaceAll(':', ' ')}`;
  const [stray] = isStray(thrown) ? thrown.args : [];
  const flag = stray === undefined ? undefined : FLAG_FOR_STRAY[id];
  const given = flag !== undefined && argv.some((arg) => arg.startsWith(`--${flag}`));
  const words = isStray(thrown) ? thrown.args.map(String) : [];
  const hint =
    (id === 'mset' ? batchHint(words) : undefined) ??
    (flag !== undefined && !given
      ? `did you mean: ${name} --${flag} ${quoted(String(stray))}`
      : meant === undefined
        ? `see: ${name} -h`
        : `did you mean --${meant}?`);
  const usage = command === undefined ? '' : `\nusage: ${shortUsage(id, command)}`;
  return new KvError('USAGE', `${complaint(thrown)}${usage}`, {
    hint,
    cause: thrown,
  });
}

/** The flag that an argument was probably meant for, of commands that take no arguments. */
const FLAG_FOR_STRAY: Readonly<Record<string, string>> = {
  list: 'prefix',
  blame: 'prefix',
  mset: 'file',
  snapshot: 'export',
  wait: 'oid',
  'remote:setup': 'url',
};

function isStray(thrown: ParseFailure): thrown is ParseFailure & { readonly args: readonly unknown[] } {
  return thrown.args !== undefined && thrown.message.startsWith('Unexpected');
}

function isComplaint(thrown: unknown): thrown is ParseFailure {
  return thrown instanceof Error && 'oclif' in thrown;
}

/** In one line, the way git words it. */
function complaint({ message, args, flags }: ParseFailure): string {
  if (flags !== undefined && message.startsWith('Nonexistent flag'))
    return `unknown flag ${flags.map((flag) => flag.split('=')[0]).join(', ')}`;
  if (args !== undefined && message.startsWith('Missing')) {
    return `missing argument ${args.map((arg) => (typeof arg === 'string' ? arg : arg.name.toUpperCase())).join(', ')}`;
  }
  if (args !== undefined && message.startsWith('Unexpected'))
    return `unexpected argument ${args.map((arg) => JSON.stringify(arg)).join(', ')}`;
  const lines = message.split('\n').map((line) => line.trim());
  const line = (lines[0]?.startsWith('The following error') ? lines[1] : lines[0]) ?? message;
  const missing = /^Missing required flag (\S+)$/.exec(line)?.[1];
  if (missing !== undefined) return `missing required flag --${missing}`;
  return `${line.slice(0, 1).toLowerCase()}${line.slice(1)}`;
}
