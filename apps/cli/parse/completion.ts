/** A flag as completion knows it: what its value is, undefined when it takes none. */
export interface FlagWords {
  readonly summary: string;
  readonly value?: string;
  readonly options?: readonly string[];
  readonly multiple?: boolean;
}

/** A command as completion knows it. Arguments by name, in order; the last one may be given again when it ends in `...`. */
export interface CommandWords {
  readonly summary: string;
  readonly args: readonly string[];
  readonly options?: readonly string[];
  readonly flags: Readonly<Record<string, FlagWords>>;
}

/** All words of the command line, as share/git-kv/words.json has them. */
export interface Words {
  readonly globals: Readonly<Record<string, FlagWords>>;
  readonly commands: Readonly<Record<string, CommandWords>>;
}

/** What the last word of a command line may become. `before` stands in front of each, such as `--prefix=`. */
export type Completion =
  | { readonly kind: 'words'; readonly before: string; readonly words: readonly (readonly [word: string, about: string])[] }
  | { readonly kind: 'keys' | 'namespaces'; readonly before: string; readonly start: string; readonly ns: string | undefined }
  | { readonly kind: 'files' }
  | { readonly kind: 'nothing' };

const NOTHING: Completion = { kind: 'nothing' };
const FILES = new Set(['FILE', 'DIR', 'value', 'file']);
const FLAG = /^(--?[A-Za-z0-9-]+)(?:=(.*))?$/s;

/** Finds what the last of the words may become. */
export function completionOf(said: readonly string[], all: Words): Completion {
  const words = said.slice(0, -1);
  const last = said.at(-1) ?? '';
  const name: string[] = [];
  const given = new Set<string>();
  let command: CommandWords | undefined;
  let args = 0;
  let ns: string | undefined;
  let awaiting: FlagWords | undefined;
  let awaitingName = '';
  let onlyArgs = false;
  const flags = (): Readonly<Record<string, FlagWords>> => ({ ...command?.flags, ...all.globals });
  for (const word of words) {
    if (awaiting !== undefined) {
      if (awaitingName === '--ns') ns = word;
      awaiting = undefined;
      continue;
    }
    const [, flag = '', value] = onlyArgs ? [] : (FLAG.exec(word) ?? []);
    if (word === '--' && !onlyArgs) onlyArgs = true;
    else if (flag !== '') {
      given.add(flag);
      const known = flags()[flag];
      if (flag === '--ns' && value !== undefined) ns = value;
      if (known?.value !== undefined && value === undefined) [awaiting, awaitingName] = [known, flag];
    } else if (command !== undefined && !isTopicWord(name, word, all)) args++;
    else {
      name.push(word);
      command = all.commands[name.join(' ')] ?? command;
    }
  }
  if (awaiting !== undefined) return completionOfValue(awaiting, '', last, ns);
  const [, flag = '', value] = onlyArgs ? [] : (FLAG.exec(last) ?? []);
  const valued = value === undefined ? undefined : flags()[flag];
  if (valued !== undefined) return completionOfValue(valued, `${flag}=`, value ?? '', ns);
  if (last.startsWith('-') && !onlyArgs) return fitting(flagsLeft(flags(), given), last);
  const under = subcommands(name, all);
  if (command === undefined || (args === 0 && under.length > 0)) return fitting(under, last);
  return argumentOf(command, args, last, ns, all);
}

/** Whether a word goes on with a command's name: `help exit-codes`. */
const isTopicWord = (name: readonly string[], word: string, all: Words): boolean =>
  Object.hasOwn(all.commands, [...name, word].join(' '));

function argumentOf(command: CommandWords, at: number, last: string, ns: string | undefined, all: Words): Completion {
  const repeats = command.args.at(-1)?.endsWith('...') === true;
  const arg = command.args[repeats ? Math.min(at, command.args.length - 1) : at]?.replace('...', '');
  if (command.options !== undefined && at === 0)
    return fitting(
      command.options.map((word) => [word, ''] as const),
      last,
    );
  if (arg === 'key') return { kind: 'keys', before: '', start: last, ns };
  if (arg === 'command') return fitting(subcommands([], all), last);
  return arg !== undefined && FILES.has(arg) ? { kind: 'files' } : NOTHING;
}

function completionOfValue({ value, options }: FlagWords, before: string, start: string, ns: string | undefined): Completion {
  if (options !== undefined) {
    const left = options.filter((word) => word.startsWith(start)).map((word) => [word, ''] as const);
    return { kind: 'words', before, words: left };
  }
  if (value === 'PREFIX' || value === 'KEY') return { kind: 'keys', before, start, ns };
  if (value === 'NAME') return { kind: 'namespaces', before, start, ns };
  return value !== undefined && FILES.has(value) ? { kind: 'files' } : NOTHING;
}

function flagsLeft(flags: Readonly<Record<string, FlagWords>>, given: ReadonlySet<string>): (readonly [string, string])[] {
  return Object.entries(flags)
    .filter(([name, { multiple }]) => name.startsWith('--') && (multiple === true || !given.has(name)))
    .map(([name, { summary }]) => [name, summary]);
}

/** The next words of commands that begin so, each once. */
function subcommands(name: readonly string[], all: Words): (readonly [string, string])[] {
  const next = new Map<string, string>();
  for (const [id, { summary }] of Object.entries(all.commands)) {
    const parts = id.split(' ');
    const word = parts[name.length];
    if (word === undefined || !name.every((each, i) => parts[i] === each)) continue;
    const whole = parts.length === name.length + 1;
    if (whole || !next.has(word)) next.set(word, whole ? summary : '');
  }
  return [...next];
}

const fitting = (words: readonly (readonly [string, string])[], start: string): Completion => ({
  kind: 'words',
  before: '',
  words: words.filter(([word]) => word.startsWith(start)),
});
