import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type FlagTable, GET_FLAGS, type GetFlags, GLOBAL_FLAGS, LIST_FLAGS, type ListFlags } from '../parse/flags.js';
import { runGet } from './get.js';

const GET_TABLE: FlagTable = { ...GLOBAL_FLAGS, ...GET_FLAGS };
const LIST_TABLE: FlagTable = { ...GLOBAL_FLAGS, ...LIST_FLAGS };

/**
 * Runs `get` and `list`, which scripts call in loops, without loading oclif, when their arguments are in order; gives false, having
 * done nothing, when oclif should look at them.
 */
export async function fastRead(command: string | undefined, args: readonly string[]): Promise<boolean> {
  if (command === 'get') {
    const parsed = parse(args, GET_TABLE);
    if (parsed === null) return false;
    await runGet(parsed.positionals, parsed.values as GetFlags);
    return true;
  }
  if (command === 'list') {
    const parsed = parse(args, LIST_TABLE);
    if (parsed === null || parsed.positionals.length > 0) return false;
    const { runList } = await import('./list.js');
    await runList(parsed.values as ListFlags);
    return true;
  }
  return false;
}

interface Parsed {
  readonly values: object;
  readonly positionals: readonly string[];
}

function parse(args: readonly string[], table: FlagTable): Parsed | null {
  const options: ParseArgsConfig['options'] = {};
  const letters: Record<string, string> = {};
  for (const [name, { type, char, alias }] of Object.entries(table)) {
    options[name] = char === undefined ? { type } : { type, short: char };
    if (alias === undefined) continue;
    options[alias] = { type, short: alias };
    letters[alias] = name;
  }
  try {
    const { values: parsed, positionals, tokens } = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
    const values = Object.fromEntries(Object.entries(parsed).map(([name, value]) => [letters[name] ?? name, value]));
    const flags = tokens.filter((token) => token.kind === 'option');
    if (flags.some(({ name, rawName }) => name in letters && rawName !== `-${name}`)) return null; // a letter is no word
    const given = flags.map(({ name }) => letters[name] ?? name);
    const odd = given.some(
      (name, i) => given.indexOf(name) !== i || table[name]?.options?.includes(values[name] as string) === false,
    );
    return odd ? null : { values, positionals };
  } catch {
    return null; // help, an unknown flag, a missing value: oclif has the words for it
  }
}
