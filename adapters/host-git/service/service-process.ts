import { type ChildProcess, spawn } from 'node:child_process';
import { KvError } from '../../../ports/index.js';
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

/** Starts `git <args>` with `pipes` inherited descriptors (at least 0, 1 and 2). `env` is its whole environment. */
export function startGit(args: readonly string[], env: Readonly<Record<string, string>>, pipes: number): Started {
  const child = spawn('git', [...args], { env, cwd: '/', detached: true, stdio: Array<'pipe'>(pipes).fill('pipe') });
  let gone = false;
  let stopped = false;
  let killer: NodeJS.Timeout | undefined;
  // Writing to a process that is gone fails with EPIPE; its exit status tells the story.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(new KvError('IO_ERROR', `cannot run git: ${cause.message}`, { cause })));
    child.once('exit', (code) => resolve(code ?? 143));
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
