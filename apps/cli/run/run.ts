import { Config, settings } from '@oclif/core';
import { nameCommand } from '../parse/command-name.js';
import { COMMANDS } from '../commands/index.js';
import { commandHelp, helpWidth, rootHelp, topicHelp } from './help.js';
import { oclifConfig, TOPICS } from '../oclif/config.js';
import { findPackage } from '../io/package-file.js';
import { print } from '../io/terminal.js';
import { usageError } from './usage-errors.js';

/** Finds the command, and lets oclif parse and run it. */
export async function runOclif(argv: readonly string[]): Promise<void> {
  const { root, pjson } = findPackage();
  if (argv[0] === '--version' || argv[0] === '-V') return print(`git-kv ${pjson.version}\n`);
  const [id = '', ...args] = nameCommand(argv, Object.keys(COMMANDS));
  const help = helpFor(id, args);
  if (help !== undefined) return print(help);
  settings.enableAutoTranspile = false;
  try {
    // Not oclif's own run: it takes the words after a command without arguments for a part of the command's name.
    const config = await Config.load({ root, pjson: { ...pjson, oclif: oclifConfig() } as never });
    await config.runCommand(id, args);
  } catch (error) {
    throw usageError(error, id, args);
  }
}

/** What is to be explained, if anything is. */
function helpFor(id: string, args: readonly string[]): string | undefined {
  const width = helpWidth();
  const end = args.indexOf('--');
  const asked = (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '-h' || arg === '--help');
  const name = id === 'help' && !asked ? args.filter((arg) => !arg.startsWith('-')).join(':') : id;
  if (id !== 'help' && !asked && id !== '') return undefined;
  if (name === '') return rootHelp(width);
  const command = COMMANDS[name];
  if (command !== undefined) return commandHelp(name, command, width);
  const topic = TOPICS[name];
  return topic === undefined ? undefined : topicHelp(name, topic, width);
}
