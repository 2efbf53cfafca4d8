import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import type { WatchedHolder } from '../../contracts/expiring-lock.js';

/** Starts a compiled script that runs `holdAndAnswer`; gives the term that it has won. */
export async function startHolder(script: string, ...args: string[]): Promise<WatchedHolder> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${script} ended early`);
    return value as string;
  };
  return {
    term: Number(await next()),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async ask() {
      child.stdin.write('?\n');
      return JSON.parse(await next()) as { held: boolean; lost: boolean };
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Takes a lock, prints its term, keeps it, and answers each line of the standard input with what the lease says. */
export async function holdAndAnswer(lock: LeaderLock): Promise<void> {
  const lease = await lock.acquire('holder process');
  process.stdout.write(`${lease?.term ?? 'taken'}\n`);
  if (lease === null) return;
  setInterval(() => undefined, 60_000); // until it is killed
  for await (const _ of createInterface(process.stdin)) {
    const held = await lease.held();
    process.stdout.write(`${JSON.stringify({ held, lost: lease.lost.aborted })}\n`);
  }
}
