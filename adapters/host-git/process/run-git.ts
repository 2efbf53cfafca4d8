import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { isOutOfSpace, KvError, startChild, withoutSecrets } from '../../../ports/index.js';

interface GitAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds after which git is ended. */
  readonly timeout?: number;
  /** Where all cores are busy, everything else goes before it. */
  readonly yields?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Runs git and gives what it said, whatever its status. Throws `IO_ERROR` when there is no git, `BUSY`, and `INTERRUPTED` by the signal. */
export function askGit(
  args: readonly string[],
  { env, input = '', timeout, yields = false, signal }: RunOptions,
): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const interrupted = (): KvError => new KvError('INTERRUPTED', `git ${verbOf(args)} was interrupted`);
    if (signal?.aborted === true) {
      reject(interrupted());
      return;
    }
    const child = startChild(
      'git',
      () => spawn('git', [...args], { cwd: '/', env, stdio: 'pipe', ...(timeout === undefined ? {} : { timeout }) }),
      reject,
      noGit,
    );
    if (yields) lowerPriority(child);
    const end = (): void => void child.kill('SIGTERM');
    signal?.addEventListener('abort', end, { once: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.stdin.on('error', () => undefined); // git did not want the input: its status says why
    child.once('close', (code) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted === true) reject(interrupted());
      else
        resolve({
          status: code ?? 128,
          stdout: Buffer.concat(out).toString('utf8'),
          stderr: Buffer.concat(err).toString('utf8'),
        });
    });
    child.stdin.end(input);
  });
}

/** Runs git and gives its output. Throws `GIT_ERROR` with git's own words, `STORAGE_FULL` where they speak of that, and what `askGit` throws. */
export async function runGit(args: readonly string[], options: RunOptions): Promise<string> {
  const { status, stdout, stderr } = await askGit(args, options);
  if (status === 0) return stdout.trimEnd();
  throw new KvError(
    isOutOfSpace(stderr) ? 'STORAGE_FULL' : 'GIT_ERROR',
    `git ${verbOf(args)} failed: ${withoutSecrets(stderr).trim().split('\n').slice(-3).join('; ')}`,
  );
}

/** Throws `CONFIG_INVALID` for a git that is older than what this is made for. */
export async function requireGit(env: RunOptions['env']): Promise<void> {
  const version = /^git version (\S+)/.exec(await runGit(['version'], { env }))?.[1] ?? 'of an unknown version';
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  if (major > 2 || (major === 2 && minor >= 34)) return;
  throw new KvError('CONFIG_INVALID', `git ${version} is too old: git-kv needs 2.34 or newer`, {
    hint: 'install git 2.34 or newer and make sure that it comes first on the PATH',
  });
}

/** For a git that could not be started. */
export function noGit(cause: Error): KvError {
  return new KvError('IO_ERROR', `cannot run git: ${cause.message}`, { cause, hint: 'install git 2.34 or newer' });
}

function verbOf(args: readonly string[]): string {
  return args.find((arg) => /^[a-z]/.test(arg)) ?? '';
}

/** As `nice` does by default. */
const NICE = 10;

function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // it has ended already, or the system knows no such thing
  }
}
