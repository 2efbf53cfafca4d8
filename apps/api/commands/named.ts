import { KvError } from '../../../ports/error.js';
import type { CommandLimits } from '../../../ports/sandbox/command-runner.js';
import { parseDuration } from '../../../ports/grammar/duration.js';
import { nearest } from '../../../ports/grammar/nearest.js';
import { parseSize } from '../../../ports/grammar/size.js';

/** A command that the operator has given a name; requests know the name alone. */
export interface NamedCommand {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly limits: CommandLimits;
}

/** What checks by themselves are called: no command may be called so. */
export const BUILT_IN = ['syntax', 'size', 'schema'] as const;

const MiB = 1024 * 1024;
/** What a command may take for which nothing else was said. */
const USUAL: CommandLimits = {
  ...{ time: 30_000, memory: 512 * MiB, fileSize: 64 * MiB, openFiles: 256, processes: 64, output: 64 * 1024 },
};
/** The longest time that one may be given, ms. */
const LONGEST = 3_600_000;

const SETTINGS = {
  timeout: ['time', 'duration'],
  memory: ['memory', 'size'],
  file_size: ['fileSize', 'size'],
  output: ['output', 'size'],
  open_files: ['openFiles', 'count'],
  processes: ['processes', 'count'],
} as const satisfies Readonly<Record<string, readonly [keyof CommandLimits, 'duration' | 'size' | 'count']>>;

/** Reads what a configuration has under `commands`. Throws `CONFIG_INVALID`, naming the place. */
export function namedCommands(value: unknown, file: string): ReadonlyMap<string, NamedCommand> {
  const found = new Map<string, NamedCommand>();
  if (value === undefined || value === null) return found;
  const root = `${file}: commands`;
  for (const [name, one] of Object.entries(mapping(value, root))) {
    const at = `${root}.${name}`;
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) throw wrong(at, 'a name has up to 63 of a-z, 0-9, _ and -');
    if ((BUILT_IN as readonly string[]).includes(name)) throw wrong(at, 'this is the name of a check that is built in');
    const { run, ...rest } = mapping(one, at);
    const argv = Array.isArray(run) ? run.map(String) : [];
    const [program = ''] = argv;
    if (program === '')
      throw wrong(`${at}.run`, 'a list: a program and its arguments', 'no shell reads them: [/bin/sh, -c, …] if need be');
    if (argv.some((each) => each.includes('\0'))) throw wrong(`${at}.run`, 'holds a NUL');
    found.set(name, { argv: argv as [string, ...string[]], limits: limitsOf(rest, at) }); // the first is there
  }
  return found;
}

function limitsOf(given: Readonly<Record<string, unknown>>, at: string): CommandLimits {
  const limits: { -readonly [K in keyof CommandLimits]: number } = { ...USUAL };
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(SETTINGS, key)) {
      const near = nearest(key, Object.keys(SETTINGS));
      throw wrong(`${at}.${key}`, 'unknown key', near === undefined ? undefined : `did you mean '${near}'?`);
    }
    const [limit, kind] = SETTINGS[key as keyof typeof SETTINGS]; // it is one of them
    const text = String(value);
    const number =
      kind === 'duration'
        ? parseDuration(text)
        : kind === 'size'
          ? parseSize(text)
          : /^\d{1,7}$/.test(text)
            ? Number(text)
            : undefined;
    if (number === undefined || number === 0) throw wrong(`${at}.${key}`, `'${text.slice(0, 60)}' is no ${kind}`);
    limits[limit] = number;
  }
  if (limits.time > LONGEST) throw wrong(`${at}.timeout`, 'an hour at most');
  return limits;
}

function mapping(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw wrong(at, 'is no mapping');
}

function wrong(at: string, what: string, hint?: string): KvError {
  return new KvError('CONFIG_INVALID', `${at}: ${what}`, hint === undefined ? {} : { hint });
}
