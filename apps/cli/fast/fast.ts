import { parseArgs, type ParseArgsConfig } from 'node:util';
import {
  CAS_SET_FLAGS,
  DEL_FLAGS,
  type FlagTable,
  GET_FLAGS,
  GLOBAL_FLAGS,
  LIST_FLAGS,
  MSET_FLAGS,
  SET_FLAGS,
} from '../parse/flags.js';
import { runGet } from './get.js';

/** A command that scripts call in loops: how its line is read, and what it does. */
interface FastCommand {
  /** The words of its name. */
  readonly words: readonly string[];
  readonly flags: FlagTable;
  /** How many arguments it takes: others are for oclif to complain of. */
  readonly args: { readonly least: number; readonly most: number };
  /** The flags are what the table says: nothing else came through. */
  run(args: readonly string[], flags: object): Promise<void>;
}

const MANY = Number.POSITIVE_INFINITY;

const COMMANDS: readonly FastCommand[] = [
  { words: ['get'], flags: GET_FLAGS, args: { least: 0, most: MANY }, run: runGet },
  {
    words: ['list'],
    flags: LIST_FLAGS,
    args: { least: 0, most: 0 },
    run: async (_args, flags) => (await import('./list.js')).runList(flags),
  },
  {
    words: ['set'],
    flags: SET_FLAGS,
    args: { least: 1, most: 2 },
    run: async (args, flags) => (await import('./set.js')).runSet(args, flags),
  },
  {
    words: ['del'],
    flags: DEL_FLAGS,
    args: { least: 1, most: MANY },
    run: async (args, flags) => (await import('./del.js')).runDel(args, flags),
  },
  {
    words: ['cas', 'set'],
    flags: CAS_SET_FLAGS,
    args: { least: 1, most: 2 },
    run: async (args, flags) => (await import('./set.js')).runCasSet(args, flags),
  },
  {
    words: ['mset'],
    flags: MSET_FLAGS,
    args: { least: 0, most: 0 },
    run: async (_args, flags) => (await import('./mset.js')).runMset(flags),
  },
];

/**
 * Runs the commands that scripts call in loops without loading oclif, when their arguments are in order; gives false, having done
 * nothing, when oclif should look at them.
 */
export async function runFast(argv: readonly string[]): Promise<boolean> {
  const command = COMMANDS.find(({ words }) => words.every((word, i) => argv[i] === word));
  if (command === undefined) return false;
  const parsed = parse(argv.slice(command.words.length), { ...GLOBAL_FLAGS, ...command.flags });
  if (parsed === null) return false;
  const { length } = parsed.positionals;
  if (length < command.args.least || length > command.args.most) return false;
  await command.run(parsed.positionals, parsed.values);
  return true;
}

interface Parsed {
  readonly values: object;
  readonly positionals: readonly string[];
}

function parse(args: readonly string[], table: FlagTable): Parsed | null {
  const options: ParseArgsConfig['options'] = {};
  for (const [name, { type, char, alias, multiple }] of Object.entries(table)) {
    options[name] = { type, ...(char === undefined ? {} : { short: char }), ...(multiple ? { multiple } : {}) };
    if (table[name]?.allowNo) options[`no-${name}`] = { type: 'boolean' };
    if (alias !== undefined) options[alias] = { type, short: alias };
  }
  try {
    const { values, positionals, tokens } = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
    const given = tokens.flatMap((token) => (token.kind === 'option' ? [token] : []));
    const odd = given.some(({ name, rawName, value }, i) => {
      const spec = table[name];
      if (rawName === `--${name}` && name.length === 1) return true; // a letter is no word
      const once = given.findIndex((one) => flagOf(one.name, table) === flagOf(name, table)) === i;
      return (!once && spec?.multiple !== true) || (spec?.options !== undefined && !spec.options.includes(value ?? ''));
    });
    const missing = Object.entries(table).some(([name, { required }]) => required === true && !Object.hasOwn(values, name));
    return odd || missing ? null : { values: withoutNo(values, table), positionals };
  } catch {
    return null; // help, an unknown flag, a missing value: oclif has the words for it
  }
}

/** The flag that an option is a form of: `no-wait` is one of `wait`, and `z` one of `null`. */
function flagOf(option: string, table: FlagTable): string {
  if (Object.hasOwn(table, option)) return option;
  return Object.keys(table).find((name) => table[name]?.alias === option) ?? option.slice('no-'.length);
}

function withoutNo(values: Readonly<Record<string, unknown>>, table: FlagTable): object {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      flagOf(name, table),
      name.startsWith('no-') && !Object.hasOwn(table, name) ? false : value,
    ]),
  );
}
