import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isEachAlone, PROGRAMS } from './kept.js';
import { END, type ServingRequest } from './serving-messages.js';

const PROCESS = fileURLToPath(new URL('serving-process.js', import.meta.url));
/** So many processes in which nothing serves are kept. */
const KEPT = 2;

/** What something has ended with: its exit code, or the signal that ended it. */
export type Ended = readonly [number | null, NodeJS.Signals | null];

/** A Stargate that serves, or did. */
export interface Serving {
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Undefined as long as it serves. */
  readonly outcome: Ended | undefined;
  /** Resolves when it has ended, and all that it printed has come. */
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a program in a process of its own. */
export function serveAlone(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Serving {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let outcome: Ended | undefined;
  const ended = once(child, 'exit').then((parts) => (outcome = parts as [number | null, NodeJS.Signals | null]));
  return {
    ...{ pid: child.pid, stdout: child.stdout, stderr: child.stderr, ended },
    get outcome() {
      return outcome;
    },
    kill: (signal) => void child.kill(signal),
  };
}

const idle: ChildProcess[] = [];

/**
 * Starts a Stargate in a process in which others have served before, one at a time: starting one, whose code has been loaded and compiled, is a
 * sixth of the work. Whoever asks how a process starts, what it holds, or what its environment does to it, wants it alone.
 */
export function serveKept(args: readonly string[], env: NodeJS.ProcessEnv): Serving {
  if (isEachAlone()) throw new Error('what is measured has a process of its own');
  const child = usable() ?? started();
  held(child, true);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let exited: (...parts: Ended) => void = () => undefined;
  let outcome: Ended | undefined;
  const end = (parts: Ended): Ended => {
    for (const stream of [stdout, stderr]) stream.end();
    child.off('exit', exited);
    outcome = parts;
    return parts;
  };
  const left = Promise.all([printed(child.stdout, stdout), printed(child.stderr, stderr)]).then(([code]): Ended => {
    letGo(child);
    return [code, null];
  });
  const gone = new Promise<Ended>((resolve) => {
    exited = (...parts) => resolve(parts);
    child.once('exit', exited);
  });
  const ended = Promise.race([left, gone]).then(end);
  child.send({ args, cwd: process.cwd(), env } satisfies ServingRequest, () => undefined); // one that has ended says so by its end
  return {
    ...{ pid: child.pid, stdout, stderr, ended },
    get outcome() {
      return outcome;
    },
    kill: (signal) => void (outcome === undefined && child.kill(signal)),
  };
}

/** Hands on what a process prints until its Stargate has ended; gives that one's exit code. */
function printed(from: Readable | null, to: PassThrough): Promise<number> {
  return new Promise((resolve) => {
    const take = (bytes: Buffer): void => {
      const at = bytes.indexOf(END);
      if (at === -1) return void to.write(bytes);
      to.write(bytes.subarray(0, at));
      from?.off('data', take);
      resolve(Number(bytes.subarray(at + 1).toString()));
    };
    from?.on('data', take);
  });
}

/** One in which nothing serves, and that nobody has ended. */
function usable(): ChildProcess | undefined {
  let child = idle.pop();
  while (child !== undefined && !child.connected) child = idle.pop();
  return child;
}

function started(): ChildProcess {
  const { PATH = '/usr/bin:/bin' } = process.env;
  return fork(PROCESS, [PROGRAMS['git-kv-stargate']], { env: { PATH }, execArgv: [], silent: true });
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
