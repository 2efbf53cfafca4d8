import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { KvError, startChild, withoutSecrets } from '../../ports/index.js';

/** One run of git. */
export interface GitRun {
  readonly input?: string | Readable;
  readonly signal?: AbortSignal | undefined;
  /** A descriptor that takes standard output in place of this process. */
  readonly output?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a run of git left. */
export interface GitAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Git in one bare repository. Throws `IO_ERROR` where it can't be started, and `INTERRUPTED`. */
export interface Git {
  ask(args: readonly string[], run?: GitRun): Promise<GitAnswer>;
  /** As `ask`; a status other than 0 is `GIT_ERROR`, with git's last words. */
  run(args: readonly string[], run?: GitRun): Promise<string>;
}

/** Runs git in a repository, and in no other, whatever the environment says. */
export function gitIn(directory: string, env: Readonly<Record<string, string | undefined>>): Git {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || name === 'GIT_EXEC_PATH');
  const clean = { ...Object.fromEntries(kept), LC_ALL: 'C', LANGUAGE: '', GIT_NO_REPLACE_OBJECTS: '1' };
  const ask = (args: readonly string[], { input = '', signal, output, env: more }: GitRun = {}): Promise<GitAnswer> =>
    new Promise((resolve, reject) => {
      const interrupted = (): KvError => new KvError('INTERRUPTED', `git ${args[0]} for the mirror's bundle was interrupted`);
      if (signal?.aborted === true) return reject(interrupted());
      const start = () =>
        spawn('git', [`--git-dir=${directory}`, ...args], {
          ...{ cwd: directory, env: { ...clean, ...more } },
          stdio: ['pipe', output ?? 'pipe', 'pipe'],
        });
      const child = startChild('git', start, reject, (cause) => {
        return new KvError('IO_ERROR', `cannot run git: ${cause.message}`, { cause, hint: 'install git 2.34 or later' });
      });
      const stop = (): void => void child.kill();
      signal?.addEventListener('abort', stop, { once: true });
      let [stdout, stderr] = ['', ''];
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.stdin?.on('error', () => undefined); // a git that ends early says why on its errors
      if (typeof input === 'string') child.stdin?.end(input);
      else if (child.stdin !== null) {
        input.once('error', () => child.kill()); // what could not be read is told by its reader
        input.pipe(child.stdin);
      }
      child.once('close', (status) => {
        signal?.removeEventListener('abort', stop);
        if (signal?.aborted === true) reject(interrupted());
        else resolve({ status: status ?? 128, stdout, stderr: withoutSecrets(stderr).trim() });
      });
    });
  return {
    ask,
    async run(args, run) {
      const { status, stdout, stderr } = await ask(args, run);
      if (status === 0) return stdout.trimEnd();
      throw new KvError('GIT_ERROR', `git ${args[0]} failed: ${stderr.split('\n').slice(-3).join('; ')}`, {
        hint: "run 'git fsck' in the Stargate's repository",
      });
    },
  };
}
