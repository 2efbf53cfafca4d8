import { spawn } from 'node:child_process';
import { KvError, startChild } from '../../ports/index.js';

interface GitOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git in a repository; `input` goes to its standard input, and `signal` ends it. */
export type Git = (directory: string, args: readonly string[], input?: string, signal?: AbortSignal) => Promise<GitOutcome>;

/** Runs git in one of the two repositories. */
export function gitWith(env: Readonly<Record<string, string | undefined>>): Git {
  return (directory, args, input = '', signal) =>
    new Promise((resolve, reject) => {
      const interrupted = (): void => reject(new KvError('INTERRUPTED', 'the push to the folder was interrupted'));
      if (signal?.aborted === true) return interrupted();
      const start = () => spawn('git', [`--git-dir=${directory}`, ...args], { env: { ...env, LC_ALL: 'C' }, stdio: 'pipe' });
      const child = startChild('git', start, reject, noGit);
      const stop = (): void => {
        child.kill();
      };
      signal?.addEventListener('abort', stop, { once: true });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.stdin.on('error', () => undefined); // a git that ends early says why on stderr
      child.stdin.end(input);
      child.once('close', (status) => {
        signal?.removeEventListener('abort', stop);
        if (signal?.aborted === true) interrupted();
        else resolve({ status: status ?? 128, stdout, stderr: stderr.trim() });
      });
    });
}

const noGit = (cause: Error): KvError => new KvError('IO_ERROR', 'cannot run git', { cause, hint: 'install git' });
