import type { Command } from '@oclif/core';

interface Described {
  readonly flags: Command.Class['flags'];
  readonly args: Command.Class['args'];
}

/** A command's usage with every flag: `git kv get KEY [--raw] …`. The global flags are left out. */
export function usageLine(id: string, { args, flags }: Described): string {
  const options = Object.entries(flags).map(([name, flag]) => {
    const short = flag.char === undefined ? '' : `-${flag.char}|`;
    if (flag.type === 'boolean') return flag.allowNo ? `[--[no-]${name}]` : `[${short}--${name}]`;
    const shown = `${short}--${name}${valueText(flag)}`;
    const once = flag.required ? shown : `[${shown}]`;
    return flag.multiple ? `${once}...` : once;
  });
  return [...commandLine(id, args), ...options].join(' ');
}

/** A flag as a list of flags shows it: `-f, --file FILE`, `--[no-]wait`, `--read-from=mirror|github|stargate`. */
export function flagTerm(name: string, flag: Described['flags'][string]): string {
  const long = flag.type === 'boolean' && flag.allowNo ? `--[no-]${name}` : `--${name}`;
  const letters = [flag.char, ...(flag.charAliases ?? [])].filter((letter) => letter !== undefined);
  return `${letters.map((letter) => `-${letter}, `).join('')}${long}${flag.type === 'boolean' ? '' : valueText(flag)}`;
}

interface Valued {
  readonly options?: readonly string[];
  readonly helpValue?: string | string[];
}

function valueText({ options, helpValue }: Valued): string {
  return options === undefined ? ` ${helpValue ?? 'TEXT'}` : `=${options.join('|')}`;
}

/** A command's usage for an error: only the flags that must be there are named. */
export function shortUsage(id: string, { args, flags }: Described): string {
  const required = Object.entries(flags).flatMap(([name, flag]) =>
    flag.required && flag.type === 'option' ? [`--${name}${valueText(flag)}`] : [],
  );
  return [...commandLine(id, args), ...required, '[flags]'].join(' ');
}

function commandLine(id: string, args: Described['args']): string[] {
  const positional = Object.entries(args).map(([name, arg]) => {
    const shown = `${name.toUpperCase()}${arg.multiple ? '...' : ''}`;
    return arg.required ? shown : `[${shown}]`;
  });
  return ['git kv', id.replaceAll(':', ' '), ...positional];
}
