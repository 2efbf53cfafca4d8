import { Config, settings } from '@oclif/core';
import { nameCommand } from '../parse/command-name.js';
import { COMMANDS } from '../commands/index.js';
import { commandHelp, helpWidth, ownCommands, rootHelp, topicHelp } from './help.js';
import { oclifConfig, TOPICS } from '../oclif/config.js';
import { findPackage } from '../io/package-file.js';
import { print } from '../io/terminal.js';
import { usageError } from './usage-errors.js';

/** Finds the command, and lets oclif parse and run it. */
export async function runOclif(argv: readonly string[]): Promise<number> {
  const own = Object.keys(COMMANDS);
  const asked = argv[0] === 'help' ? argv.slice(1).filter((arg) => !arg.startsWith('-')) : [];
  const line = isOwn(asked, own) || own.includes(`help:${asked[0]}`) ? argv : [...asked, '--help'];
  if (!isOwn(line, own)) {
    const { runPluginCommand } = await import('./plugin-command.js');
    return runPluginCommand(line, own, loadConfig);
  }
  const [id = '', ...args] = nameCommand(argv, own);
  const help = await helpFor(id, args);
  if (help !== undefined) {
    await print(help);
    return 0;
  }
  try {
    await (await loadConfig()).runCommand(id, args);
    return 0;
  } catch (error) {
    throw usageError(error, id, args);
  }
}

/** Whether a command of a plugin's can't be meant: those who use none pay nothing for others'. */
function isOwn([first = '-']: readonly string[], ids: readonly string[]): boolean {
  return first.startsWith('-') || ids.some((id) => id === first || id.startsWith(`${first}:`));
}

/** Not oclif's own run: it takes the words after a command without arguments for a part of the command's name, and loads all plugins. */
function loadConfig(): Promise<Config> {
  const { root, pjson } = findPackage();
  settings.enableAutoTranspile = false;
  return Config.load({ root, pjson: { ...pjson, oclif: oclifConfig() } as never, userPlugins: false, devPlugins: false });
}

/** What is to be explained, if anything is. */
async function helpFor(id: string, args: readonly string[]): Promise<string | undefined> {
  const width = helpWidth();
  const end = args.indexOf('--');
  const asked = (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '-h' || arg === '--help');
  const name = id === 'help' && !asked ? args.filter((arg) => !arg.startsWith('-')).join(':') : id;
  if (id !== 'help' && !asked && id !== '') return undefined;
  if (name === '') {
    const { pluginCommands } = await import('../plugins/installed.js');
    return rootHelp(width, await pluginCommands(Object.keys(COMMANDS)));
  }
  const command = COMMANDS[name];
  if (command !== undefined) return commandHelp(name, command, width);
  const topic = TOPICS[name];
  return topic === undefined ? undefined : topicHelp(name, topic, ownCommands(name), width);
}
