import { run, settings } from '@oclif/core';
import { nameCommand } from './command-name.js';
import { COMMANDS } from './commands/index.js';
import { oclifConfig } from './oclif-config.js';
import { findPackage } from './root.js';
import { print } from './terminal.js';
import { usageError } from './usage-errors.js';

/** Finds the command, and lets oclif parse and run it. */
export async function runOclif(argv: readonly string[]): Promise<void> {
  const { root, pjson } = findPackage();
  if (argv[0] === '--version' || argv[0] === '-V') return print(`git-kv ${pjson.version}\n`);
  settings.enableAutoTranspile = false;
  const args = nameCommand(argv, Object.keys(COMMANDS));
  try {
    await run(args, { root, pjson: { ...pjson, oclif: oclifConfig() } as never });
  } catch (error) {
    throw usageError(error, args[0] ?? '');
  }
}
