import { type ChildProcess, spawn } from 'node:child_process';
import { KvError, startChild } from '../../../ports/index.js';
import { noGit } from '../process/run-git.js';
import { boundedCommand, type ProcessBounds } from './bounded-command.js';
import { drop } from './byte-streams.js';

/** A git process at the head of its own process group. */
export interface Started {
  readonly child: ChildProcess;
  /** Resolves with the exit status (128 + 15 where a signal ended it) when the process is gone and its output read. */
  readonly ended: Promise<number>;
  /** Hangs up; signals the whole group where that is not enough. */
  stop(): void;
}

const TERMINATE_AFTER_MS = 1000;
const KILL_AFTER_MS = 5000;

/** How git is started. */
export interface Start {
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** How many inherited descriptors it has, at least 0, 1 and 2. */
  readonly pipes: number;
  readonly bounds: ProcessBounds;
}

/** What a shell that found no program to run ends with. */
const NO_PROGRAM = [126, 127];

/** Starts `git <args>` within bounds that hold for each process that it starts, too. Throws `BUSY` where there is no room for it. */
export function startGit(args: readonly string[], { env, pipes, bounds }: Start): Started {
  let unstarted: (error: KvError) => void = () => undefined;
  const [program, ...line] = boundedCommand('git', args, bounds);
  const start = () => spawn(program, line, { env, cwd: '/', detached: true, stdio: Array<'pipe'>(pipes).fill('pipe') });
  const child = startChild<ChildProcess>('git', start, (error) => unstarted(error), noGit);
  let gone = false;
  let stopped = false;
  let killer: NodeJS.Timeout | undefined;
  // Writing to a process that is gone fails with EPIPE; its exit status tells the story.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  const exited = new Promise<number>((resolve, reject) => {
    unstarted = reject;
    child.once('exit', (code) => {
      if (code !== null && NO_PROGRAM.includes(code)) reject(noGit(new Error('the shell found none')));
      else resolve(code ?? 143);
    });
  });
  const drained = [child.stdout, child.stderr].map((stream) => new Promise<void>((resolve) => stream?.once('close', resolve)));
  const ended = exited.then(async (status) => {
    gone = true;
    clearTimeout(killer);
    await Promise.all(drained);
    for (const stream of child.stdio) stream?.destroy();
    return status;
  });
  const signal = (name: NodeJS.Signals): void => {
    if (gone || child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // ESRCH: it ended between the check and the signal
    }
  };
  return {
    child,
    ended,
    stop() {
      if (stopped) return;
      stopped = true;
      // Closing our ends lets git and its hooks end by themselves and clear up; what they still say is read and dropped.
      for (const stream of [child.stdout, child.stderr]) drop(stream);
      if (gone) return;
      for (const [fd, stream] of child.stdio.entries()) if (fd !== 1 && fd !== 2) stream?.destroy();
      killer = setTimeout(() => {
        signal('SIGTERM');
        killer = setTimeout(() => signal('SIGKILL'), KILL_AFTER_MS);
      }, TERMINATE_AFTER_MS);
    },
  };
}
