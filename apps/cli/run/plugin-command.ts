import type { Command, Config } from '@oclif/core';
import { KvError } from '../../../ports/error.js';
import { unknownCommand } from '../parse/command-name.js';
import { note, print } from '../io/terminal.js';
import { helpWidth, pluginCommandHelp, type Summed, topicHelp } from './help.js';
import { usageError } from './usage-errors.js';
import { commandsOf, type ForeignCommand, type Installed, installedPlugins } from '../plugins/installed.js';

/**
 * Runs, or explains, a command that the user's plugins bring; gives the exit code. Throws `USAGE` for words that name none, with the
 * plugins that can't be used, and `PLUGIN_INVALID` naming the plugin for one that fails in a way that isn't a command's.
 */
export async function runPluginCommand(
  argv: readonly string[],
  own: readonly string[],
  config: () => Promise<Config>,
): Promise<number> {
  const plugins = await installedPlugins(own);
  const commands = commandsOf(plugins);
  const found = longest(argv, commands);
  if (found === undefined) {
    const help = helpOfTopic(argv, commands);
    if (help === undefined) throw nothingCalled(argv, [...own, ...commands.map(({ id }) => id)], plugins);
    await print(help);
    return 0;
  }
  const args = argv.slice(found.id.split(':').length);
  const command = await loaded(found);
  const end = args.indexOf('--');
  if ((end < 0 ? args : args.slice(0, end)).some(isHelp)) {
    await print(pluginCommandHelp(found.id, command, found.entry.summary, helpWidth()));
    return 0;
  }
  try {
    await command.run([...args], await config());
    return 0;
  } catch (error) {
    return outcomeOf(error, found, args);
  }
}

/** The command whose words the line begins with; of two, the one with more words. */
function longest(argv: readonly string[], commands: readonly ForeignCommand[]): ForeignCommand | undefined {
  return commands
    .filter(({ id }) => id.split(':').every((word, i) => argv[i] === word))
    .sort((a, b) => b.id.length - a.id.length)[0];
}

const isHelp = (arg: string): boolean => arg === '-h' || arg === '--help';

/** What the commands are that begin with all words of the line, be help asked for or not; undefined when there are none. */
function helpOfTopic(argv: readonly string[], commands: readonly ForeignCommand[]): string | undefined {
  const topic = argv.filter((arg) => !isHelp(arg));
  const below = commands.filter(({ id }) => id.startsWith(`${topic.join(':')}:`));
  if (below.length === 0) return undefined;
  const plugins = [...new Set(below.map(({ plugin }) => plugin))];
  const summed = below.map(({ id, entry }): Summed => [id.replaceAll(':', ' '), entry.summary]);
  return topicHelp(topic.join(' '), `Commands of ${plugins.join(', ')}`, summed, helpWidth());
}

async function loaded({ id, plugin, entry }: ForeignCommand): Promise<Command.Class> {
  const name = `plugin ${plugin}: command '${id.replaceAll(':', ' ')}'`;
  let command: unknown;
  try {
    ({ command } = await entry.module());
  } catch (cause) {
    throw new KvError('PLUGIN_INVALID', `${name}: cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: 'install the plugin again, or ask who wrote it',
    });
  }
  if (typeof command === 'function' && 'run' in command) return command as Command.Class; // as oclif itself takes it
  throw new KvError('PLUGIN_INVALID', `${name}: its module exports no class as 'command'`, {
    hint: "export a class that extends Command of 'git-kv/command'",
  });
}

/** A command may end with a status of its own, and complain of its arguments; anything else is a fault of the plugin's. */
function outcomeOf(error: unknown, { id, plugin }: ForeignCommand, args: readonly string[]): number {
  if (KvError.is(error)) throw error;
  const { oclif, message, parse } = error as { oclif?: { exit?: number }; message?: string; parse?: unknown };
  if (parse !== undefined) throw usageError(error, id, args);
  if (typeof oclif?.exit === 'number') {
    if (oclif.exit !== 0 && !/^EEXIT/.test(message ?? '')) note(message ?? '', 'error');
    return oclif.exit;
  }
  throw new KvError('PLUGIN_INVALID', `plugin ${plugin}: ${id.replaceAll(':', ' ')}: ${message ?? String(error)}`, {
    cause: error,
    hint: 'ask who wrote the plugin',
  });
}

function nothingCalled(argv: readonly string[], ids: readonly string[], plugins: readonly Installed[]): KvError {
  const [first = ''] = argv;
  const isTopic = ids.some((id) => id.startsWith(`${first}:`));
  const error = unknownCommand(isTopic ? argv.slice(0, 2).join(' ') : first, ids);
  const broken = plugins.flatMap((plugin) => ('error' in plugin ? [plugin.error] : []));
  if (broken.length === 0) return error;
  const why = broken.map(({ message }) => message).join('; ');
  return new KvError(
    'USAGE',
    `${error.message}; plugins that cannot be used: ${why}`,
    error.hint === undefined ? {} : { hint: error.hint },
  );
}
