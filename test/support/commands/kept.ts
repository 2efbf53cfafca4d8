import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { collected, type RanBytes, type RunOptions } from '../processes.js';
import { BIN_DIR } from '../root.js';
import type { CommandReply, CommandRequest } from './messages.js';

const PROGRAM = fileURLToPath(new URL('kept-process.js', import.meta.url));
const BUNDLE = pathToFileURL(join(BIN_DIR, '..', 'dist', 'bin', 'git-kv.js')).href;
/** So many processes that nobody uses are kept: as many as commands usually run side by side. */
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

/** Whether a command needs a process of its own. */
export const isAlone = ({ alone = false, signal }: CommandOptions): boolean => eachAlone || alone || signal !== undefined;

const idle: ChildProcess[] = [];

/**
 * Runs `git kv` in a process that has run others before, one at a time: most commands take a fifth of what it takes to start node and to
 * load them.
 */
export async function runKept(args: readonly string[], options: Omit<RunOptions, 'signal'>): Promise<RanBytes> {
  const { cwd = process.cwd(), env = {}, input = '', timeout = PATIENCE_MS } = options;
  const child = kept() ?? started();
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
    const outcome = await Promise.race([replied, ended]);
    const ran = { code: outcome.code, stdout: Buffer.from(outcome.stdout), stderr: Buffer.from(outcome.stderr).toString() };
    if (child.connected) letGo(child);
    return ran;
  } finally {
    clearTimeout(timer);
  }
}

/** What each process has printed itself when it has ended: of a command that it didn't survive. */
const outputs = new WeakMap<ChildProcess, Promise<RanBytes>>();

/** One that nobody uses, and that nobody has ended. */
function kept(): ChildProcess | undefined {
  let child = idle.pop();
  while (child !== undefined && !child.connected) child = idle.pop();
  return child;
}

function started(): ChildProcess {
  const { PATH = '/usr/bin:/bin' } = process.env;
  const child = fork(PROGRAM, [BUNDLE], { env: { PATH }, execArgv: [], serialization: 'advanced', silent: true });
  outputs.set(child, collected(child));
  return child;
}

function letGo(child: ChildProcess): void {
  if (idle.length >= KEPT) child.disconnect();
  else {
    held(child, false);
    idle.push(child);
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
