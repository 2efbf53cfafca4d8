import { KvError } from '../../ports/error.js';
import { COMMANDS } from './commands/index.js';
import { nearest } from './nearest.js';
import { shortUsage } from './usage.js';

interface ParseFailure {
  readonly message: string;
  readonly parse?: unknown;
  readonly args?: readonly (string | { readonly name: string })[];
  readonly flags?: readonly string[];
}

/** oclif's complaints about a command line as a `USAGE` error with the command's usage; everything else as it is. */
export function usageError(thrown: unknown, id: string): unknown {
  if (KvError.is(thrown) || !isComplaint(thrown)) return thrown;
  const command = COMMANDS[id];
  const known = Object.keys({ ...command?.baseFlags, ...command?.flags });
  const [unknown] = thrown.flags ?? [];
  const meant = unknown?.startsWith('--') ? nearest(unknown.slice(2).split('=')[0] ?? '', known) : undefined;
  const usage = command === undefined ? '' : `\nusage: ${shortUsage(id, command)}`;
  return new KvError('USAGE', `${complaint(thrown)}${usage}`, {
    hint: meant === undefined ? `see: git kv ${id.replaceAll(':', ' ')} -h` : `did you mean --${meant}?`,
    cause: thrown,
  });
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
  return `${line.slice(0, 1).toLowerCase()}${line.slice(1)}`;
}
