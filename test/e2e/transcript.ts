/** A terminal session as a test: the format of `test/e2e/scripts/*.txt`, which README.md there explains. */

/** What the world looks like before the first command. */
export interface Setting {
  readonly hash: 'sha1' | 'sha256';
  /** Each command of git-kv has a process of its own. */
  readonly alone: boolean;
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  readonly strangers: readonly string[];
  readonly namespaces: readonly string[];
  /** Personas with a clone that is set up; the others begin in a folder where they can clone. */
  readonly clones: readonly string[];
  /** Replacements in the policy that init wrote. */
  readonly policy: readonly (readonly [RegExp, string])[];
  /** Programs without which the script makes no sense. */
  readonly needs: readonly string[];
}

export type Step =
  | {
      /** `again`: repeated until it gives what is expected. */
      readonly kind: 'command' | 'again';
      readonly line: number;
      readonly who: string;
      readonly command: string;
      readonly expected: readonly string[];
      readonly exit: number;
    }
  | { readonly kind: 'background'; readonly line: number; readonly name: string; readonly command: string }
  | { readonly kind: 'capture'; readonly line: number; readonly name: string; readonly pattern: RegExp }
  | { readonly kind: 'stargate'; readonly line: number; readonly verb: 'start' | 'stop' | 'kill' };

export interface Transcript {
  /** The first comment. */
  readonly title: string;
  readonly setting: Setting;
  readonly steps: readonly Step[];
}

const COMMAND = /^([a-z][a-z0-9]*)([$~&]) (.+)$/;
const HEADER = /^@(\w+) (.+)$/;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
const PEOPLE = { writers: ['ada', 'bob'], readers: [], strangers: [], clones: [] };
const DEFAULTS: Setting = { hash: 'sha1', alone: false, ...PEOPLE, namespaces: ['main'], policy: [], needs: [] };
/** Headers that are a list of words. */
const LISTS = ['writers', 'readers', 'strangers', 'namespaces', 'needs'] as const;

/** Reads a script. Throws with file and line for what it can't read. */
export function parseTranscript(text: string, file: string): Transcript {
  const setting: Writable<Setting> = { ...DEFAULTS };
  const lines = text.split('\n');
  const steps: Step[] = [];
  let clones: readonly string[] | undefined;
  let title = '';
  let open: { expected: string[]; exit: number } | undefined;
  for (const [i, content] of lines.entries()) {
    const line = i + 1;
    const fail = (what: string): never => {
      throw new Error(`${file}:${line}: ${what}`);
    };
    const [, who = '', mark, words = ''] = COMMAND.exec(content) ?? [];
    const [, name, value = ''] = steps.length === 0 ? (HEADER.exec(content) ?? []) : [];
    if (content.startsWith('#')) title ||= content.replace(/^#+ */, '');
    else if (mark === '&') {
      open = undefined;
      steps.push({ kind: 'background', line, name: who, command: words });
    } else if (mark !== undefined) {
      open = { expected: [], exit: 0 };
      // The same object, so that the lines that follow reach it.
      steps.push(Object.assign(open, { kind: mark === '~' ? 'again' : 'command', line, who, command: words } as const));
    } else if (/^\? \d+$/.test(content)) {
      (open ?? fail('an exit status without a command')).exit = Number(content.slice(2));
    } else if (/^(start|stop|kill) stargate$/.test(content)) {
      open = undefined;
      steps.push({ kind: 'stargate', line, verb: content.split(' ')[0] as 'start' | 'stop' | 'kill' });
    } else if (content.startsWith('capture ')) {
      const [, variable = '', pattern = ''] = /^capture (\w+) \/(.+)\/$/.exec(content) ?? fail('capture NAME /pattern/');
      steps.push({ kind: 'capture', line, name: variable, pattern: new RegExp(pattern, 'm') });
    } else if (name !== undefined) {
      const list = value === 'none' ? [] : value.trim().split(/\s+/);
      if (name === 'hash' && (value === 'sha1' || value === 'sha256')) setting.hash = value;
      else if (name === 'alone' && value === 'yes') setting.alone = true;
      else if (name === 'clones') clones = list;
      else if (name === 'policy') setting.policy = [...setting.policy, replacement(value) ?? fail('@policy s/pattern/text/')];
      else setting[LISTS.find((each) => each === name) ?? fail(`no header @${name} ${value}`)] = list;
    } else if (open !== undefined) open.expected.push(content);
    else if (content.trim() !== '') fail(`what is this: ${content}`);
  }
  for (const step of steps) {
    if (step.kind !== 'command' && step.kind !== 'again') continue;
    const expected = step.expected as string[];
    while (expected.at(-1)?.trim() === '') expected.pop();
  }
  const atWork = new Set(steps.map((step) => ('who' in step ? step.who : '')));
  return { title, setting: { ...setting, clones: clones ?? setting.writers.filter((who) => atWork.has(who)) }, steps };
}

function replacement(text: string): readonly [RegExp, string] | undefined {
  const match = /^s(.)(.+?)\1(.*)\1$/.exec(text);
  return match === null ? undefined : [new RegExp(match[2] as string, 'm'), (match[3] as string).replaceAll('\\n', '\n')];
}

/**
 * True when the output is what was expected: `...` stands for any lines, `…` for anything within a line, and a line
 * `/…/` is a regular expression. `values` replaces `$NAME` in the other lines.
 */
export function matches(expected: readonly string[], output: string, values: ReadonlyMap<string, string>): boolean {
  // What a terminal doesn't show: ssh ends its lines with a carriage return, git pads those of the remote with spaces.
  const lines = output
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => line.trimEnd());
  const actual = lines.length === 1 && lines[0] === '' ? [] : lines;
  const patterns = expected.map((line) => (line.trim() === '...' ? null : linePattern(line, values)));
  // reach[i]: the patterns so far can account for exactly the first i lines.
  let reach = new Set([0]);
  for (const pattern of patterns) {
    const next = new Set<number>();
    if (pattern === null) for (let i = Math.min(...reach); i <= actual.length; i++) next.add(i);
    else for (const i of reach) if (i < actual.length && pattern.test(actual[i] as string)) next.add(i + 1);
    if (next.size === 0) return false;
    reach = next;
  }
  return reach.has(actual.length);
}

function linePattern(line: string, values: ReadonlyMap<string, string>): RegExp {
  if (/^\/.+\/$/.test(line)) return new RegExp(line.slice(1, -1));
  const filled = line.trimEnd().replace(/\$\{?([A-Za-z_]\w*)\}?/g, (whole, name: string) => values.get(name) ?? whole);
  const quoted = filled.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${quoted.join('.*')}$`, 'u');
}
