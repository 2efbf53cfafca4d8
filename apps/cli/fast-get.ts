import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type FlagTable, GET_FLAGS, GLOBAL_FLAGS } from './flags.js';
import { type GetFlags, runGet } from './get.js';

const TABLE: FlagTable = { ...GLOBAL_FLAGS, ...GET_FLAGS };

/** Runs `get` when its arguments are in order; gives false, having done nothing, when oclif should look at them. */
export async function fastGet(args: readonly string[]): Promise<boolean> {
  const parsed = parse(args);
  if (parsed === null) return false;
  await runGet(parsed.key, parsed.flags);
  return true;
}

function parse(args: readonly string[]): { key: string; flags: GetFlags } | null {
  const options: ParseArgsConfig['options'] = {};
  for (const [name, { type, char }] of Object.entries(TABLE))
    options[name] = char === undefined ? { type } : { type, short: char };
  try {
    const { values, positionals, tokens } = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
    const [key] = positionals;
    const given = tokens.filter((token) => token.kind === 'option').map(({ name }) => name);
    const odd = given.some(
      (name, i) => given.indexOf(name) !== i || TABLE[name]?.options?.includes(values[name] as string) === false,
    );
    return odd || key === undefined || positionals.length !== 1 ? null : { key, flags: values as GetFlags };
  } catch {
    return null; // help, an unknown flag, a missing value: oclif has the words for it
  }
}
