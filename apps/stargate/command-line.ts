import { parseArgs, type ParseArgsConfig } from 'node:util';
import { KvError } from '../../ports/error.js';
import { HELP, helpOf } from './help.js';
import { productVersion } from './version.js';
import { say } from './process/terminal.js';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The options of every verb. */
export const COMMON = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const satisfies Options;

/**
 * The options that say which Stargate it is: those of `serve` that `check` takes too. None has a default here: what isn't given is told
 * by the environment, the repository or the profile (`settings/`).
 */
export const PLACE = {
  ...COMMON,
  repo: { type: 'string' },
  profile: { type: 'string' },
  'policy-path': { type: 'string' },
  'mirror-remote': { type: 'string' },
  plugin: { type: 'string', multiple: true, default: [] },
  set: { type: 'string', multiple: true, default: [] },
} as const satisfies Options;

/** The options that say what a new repository is to be. */
export const NEW_REPOSITORY = {
  'mirror-remote': { type: 'string' },
  hash: { type: 'string', default: 'sha1' },
  'push-url': { type: 'string' },
  admin: { type: 'string', multiple: true, default: [] },
  writer: { type: 'string', multiple: true, default: [] },
  reader: { type: 'string', multiple: true, default: [] },
  ns: { type: 'string', multiple: true, default: ['main'] },
} as const satisfies Options;

/** What a verb was given, by the table of its options. */
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T; strict: true; allowPositionals: false }>>['values'];

/** Reads a verb's options. Throws `USAGE`. */
export function parse<T extends Options>(args: readonly string[], options: T): Values<T> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new KvError('USAGE', (cause as Error).message.split('\n')[0]?.replace(/^./, (c) => c.toLowerCase()) ?? 'bad options', {
      cause,
      hint: 'see git-kv-stargate --help',
    });
  }
}

/** Prints help or version where they were asked for; false when they weren't. */
export function shown(verb: string, values: { help?: boolean | undefined; version?: boolean | undefined }): boolean {
  if (values.help === true) say(helpOf(verb) ?? HELP);
  else if (values.version === true) say(`git-kv-stargate ${productVersion()}\n`);
  else return false;
  return true;
}

/** An option that can't be left out. Throws `USAGE`. */
export function required(value: string | undefined, option: string): string {
  if (value !== undefined && value !== '') return value;
  throw new KvError('USAGE', `${option} is missing`, { hint: 'see git-kv-stargate --help' });
}
