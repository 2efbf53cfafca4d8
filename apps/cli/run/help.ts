import type { Command } from '@oclif/core';
import { COMMANDS } from '../commands/index.js';
import { GLOBAL_FLAGS } from '../parse/flags.js';
import { oclifFlags } from '../oclif/flags.js';
import { flagTerm, usageLine } from '../render/usage.js';

const START = ['git kv remote setup', 'git kv set cfg:hello world', 'git kv get cfg:hello', 'git kv list --long'];
const MIN_WIDTH = 60;
const MAX_WIDTH = 120;
const TERM_WIDTH = 24;

/** How wide help may be: the terminal's width, within reason. */
export function helpWidth(): number {
  return Math.min(Math.max(process.stdout.columns ?? 80, MIN_WIDTH), MAX_WIDTH);
}

/** All commands, the global flags and how to begin. */
export function rootHelp(width: number, ofPlugins: readonly Summed[] = []): string {
  return [
    'git kv [--ns NAME] [--json] COMMAND [ARGUMENTS]\n',
    section('Start here', START.map((line) => `  ${line}\n`).join('')),
    section('Commands', table(ownCommands(), width)),
    ...(ofPlugins.length > 0 ? [section('Commands of plugins', table(ofPlugins, width))] : []),
    section('Flags of every command', globalFlags(width)),
    'git kv COMMAND -h explains a command; git kv help exit-codes the exit codes\n',
  ].join('\n');
}

/** A command's words, and what it does. */
export type Summed = readonly [name: string, summary: string];

/** The commands that share their first words, `topic`. */
export function topicHelp(topic: string, description: string, commands: readonly Summed[], width: number): string {
  return `${description}\n\n${section('Commands', table(commands, width))}\ngit kv ${topic} COMMAND -h explains a command\n`;
}

/** This program's own commands; with `topic`, those that begin with it. */
export function ownCommands(topic?: string): Summed[] {
  const ids = Object.keys(COMMANDS).filter((id) => topic === undefined || id.startsWith(`${topic}:`));
  return ids.map((id) => [id.replaceAll(':', ' '), COMMANDS[id]?.summary ?? '']);
}

/** One command of this program: its summary, usage, description, arguments, flags and examples. */
export function commandHelp(id: string, command: Command.Class, width: number): string {
  return explained(id, command, [section('Flags of every command', globalFlags(width))], width);
}

/** The same of a plugin's command, which may leave out all but `run`, and has no flags but its own. */
export function pluginCommandHelp(id: string, command: Command.Class, summary: string, width: number): string {
  const { args = {}, flags, baseFlags } = command as Partial<Command.Class>; // oclif's own class declares what it has not
  const { description, examples } = command;
  const whole = { summary: command.summary ?? summary, description, args, flags: { ...baseFlags, ...flags }, examples };
  return explained(id, whole, [], width);
}

interface Explained extends Pick<Command.Class, 'args' | 'flags'> {
  readonly summary?: string | undefined;
  readonly description: string | undefined;
  readonly examples: Command.Class['examples'] | undefined;
}

function explained(id: string, command: Explained, behindFlags: readonly string[], width: number): string {
  const args = Object.entries(command.args).map(([name, arg]): [string, string] => [name.toUpperCase(), arg.description ?? '']);
  const examples = (command.examples ?? []).map((example) => `  ${String(example).replaceAll('<%= config.bin %>', 'git kv')}\n`);
  return [
    `${command.summary ?? ''}\n`,
    `${wrap(`usage: ${usageLine(id, command)}`, width, '       ')}\n`,
    ...(command.description ? [`${paragraphs(command.description, width)}\n`] : []),
    ...(args.length > 0 ? [section('Arguments', table(args, width))] : []),
    ...(Object.keys(command.flags).length > 0 ? [section('Flags', flagList(command.flags, width))] : []),
    ...behindFlags,
    ...(examples.length > 0 ? [section('Examples', examples.join(''))] : []),
  ].join('\n');
}

const section = (title: string, body: string): string => `${title}\n${body}`;

const globalFlags = (width: number): string => flagList(oclifFlags(GLOBAL_FLAGS), width);

function flagList(flags: Command.Class['flags'], width: number): string {
  return table(
    Object.entries(flags).map(([name, flag]) => [flagTerm(name, flag), flag.summary ?? flag.description ?? '']),
    width,
  );
}

/** A term, and beside it what it means; a long term has a line of its own. */
function table(rows: readonly Summed[], width: number): string {
  const column = Math.min(Math.max(0, ...rows.map(([term]) => term.length)), TERM_WIDTH) + 4;
  const indent = ' '.repeat(column);
  return rows
    .map(([term, text]) => {
      const head = `  ${term}`;
      const start = head.length + 2 > column ? `${head}\n${indent}` : head.padEnd(column);
      return `${start}${wrap(text, width - column, '').replaceAll('\n', `\n${indent}`)}\n`;
    })
    .join('');
}

/** Wraps each line; indented lines stay as they are. */
function paragraphs(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => (line.startsWith('  ') ? line : wrap(line, width, '')))
    .join('\n');
}

/** Breaks at spaces, but not inside of brackets. */
function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/\[[^[\]]*(?:\[[^[\]]*\][^[\]]*)*\](?:\.\.\.)?|\S+/g) ?? []) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
