import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a compiled script that prints the term of the lock it has taken, and can be killed. */
export async function startHolder(script: string, ...args: string[]): Promise<{ term: number; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    exited.then(() => Promise.reject(new Error(`${script} ended early`))),
  ])) as [string];
  return {
    term: Number(line.trim()),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
