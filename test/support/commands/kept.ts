import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { asText, collected, type Ran, type RanBytes, run, type RunOptions } from '../programs/processes.js';
import { BIN_DIR } from '../root.js';
import type { CommandReply, CommandRequest, Printed } from './messages.js';

const PROCESS = fileURLToPath(new URL('kept-process.js', import.meta.url));
const bundleOf = (program: string): string => pathToFileURL(join(BIN_DIR, '..', 'dist', 'bin', `${program}.js`)).href;
/** The programs whose commands may run in a process that has run others before, and the bundles that have their `main`. */
export const PROGRAMS = { 'git-kv': bundleOf('git-kv'), 'git-kv-stargate': bundleOf('git-kv-stargate') } as const;
/** One of them. */
export type KeptProgram = keyof typeof PROGRAMS;

/** Whether a program is one of them. */
export const isKept = (program: string): program is KeptProgram => Object.hasOwn(PROGRAMS, program);

/** So many processes of a program that nobody uses are kept: as many as commands usually run side by side. */
const KEPT = 2;
/** How long a command may take, unless said otherwise, ms. */
const PATIENCE_MS = 120_000;

/** How a command of the project is run. */
export interface CommandOptions extends RunOptions {
  /** In a process of its own, as a person starts it: what is asked is how it starts, or what it leaves when it has ended. */
  readonly alone?: boolean;
}

let eachAlone = false;

/** From now on all commands have a process each: what they take is measured. */
export function startEach(): void {
  eachAlone = true;
}

/** Whether what is started has a process of its own each time. */
export const isEachAlone = (): boolean => eachAlone;

/** Whether a command needs a process of its own. */
export const isAlone = ({ alone = false, signal }: CommandOptions): boolean => eachAlone || alone || signal !== undefined;

/** Runs a program to its end: one of the project in a process that is kept, unless it serves, or is to be alone. */
export async function runProgram(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
  if (!isKept(program) || isAlone(options) || args[0] === 'serve') return run(program, args, options);
  return asText(asRan(await runKept(program, args, options)));
}

/** The processes of each program that nobody uses. */
const idle: Record<KeptProgram, ChildProcess[]> = { 'git-kv': [], 'git-kv-stargate': [] };

/** What a command has left: its exit code, and what it printed, in the order in which it did. */
export interface Kept {
  readonly code: number;
  readonly printed: readonly Printed[];
}

/**
 * Runs a command in a process that has run others before, one at a time: most take a fifth of what it takes to start node and to load
 * them.
 */
export async function runKept(program: KeptProgram, args: readonly string[], options: Omit<RunOptions, 'signal'>): Promise<Kept> {
  const { cwd = process.cwd(), env = {}, input = '', timeout = PATIENCE_MS } = options;
  const child = kept(program) ?? started(program);
  held(child, true);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  try {
    const request: CommandRequest = {
      args,
      cwd,
      env: defined(env),
      input: typeof input === 'string' ? Buffer.from(input) : input,
    };
    const ended = outputs.get(child) ?? Promise.reject(new Error('a process that was not started here'));
    const replied = once(child, 'message').then(([reply]) => reply as CommandReply);
    child.send(request, () => undefined); // one that has ended says so by its end
    const outcome = await Promise.race([replied, ended.then(asPrinted)]);
    if (child.connected) letGo(program, child);
    return outcome;
  } finally {
    clearTimeout(timer);
  }
}

/** As a process of its own would have left it, each output by itself. */
export function asRan({ code, printed }: Kept): RanBytes {
  const all = (which: 1 | 2): Buffer => Buffer.concat(printed.flatMap(([output, bytes]) => (output === which ? [bytes] : [])));
  return { code, stdout: all(1), stderr: all(2).toString() };
}

const asPrinted = ({ code, stdout, stderr }: RanBytes): Kept => ({
  code,
  printed: [
    [1, stdout],
    [2, Buffer.from(stderr)],
  ],
});

/** What each process has printed itself when it has ended: of a command that it didn't survive. */
const outputs = new WeakMap<ChildProcess, Promise<RanBytes>>();

/** One that nobody uses, and that nobody has ended. */
function kept(program: KeptProgram): ChildProcess | undefined {
  let child = idle[program].pop();
  while (child !== undefined && !child.connected) child = idle[program].pop();
  return child;
}

function started(program: KeptProgram): ChildProcess {
  const { PATH = '/usr/bin:/bin' } = process.env;
  const child = fork(PROCESS, [PROGRAMS[program]], { env: { PATH }, execArgv: [], serialization: 'advanced', silent: true });
  outputs.set(child, collected(child));
  return child;
}

function letGo(program: KeptProgram, child: ChildProcess): void {
  if (idle[program].length >= KEPT) child.disconnect();
  else {
    held(child, false);
    idle[program].push(child);
  }
}

/** Whether this process waits for that one at its end. */
function held(child: ChildProcess, isHeld: boolean): void {
  const turn = isHeld ? 'ref' : 'unref';
  child[turn]();
  child.channel?.[turn]();
  for (const stream of [child.stdout, child.stderr]) (stream as { [name in typeof turn]?: () => void } | null)?.[turn]?.();
}

const defined = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
