import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { KvError, startChild } from '../../ports/index.js';

/** One run of git: where, with what, and until when. */
export interface GitRun {
  /** The bare repository. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly args: readonly string[];
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** A shallow file, in place of the repository's own. */
  readonly shallowFile?: string;
}

/** What a run of git left: its exit status, and its two outputs whole. */
export interface GitResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The user's way to reach the host; every other GIT_ variable could point git at another repository. */
const KEPT = /^GIT_(SSH(_COMMAND|_VARIANT)?|ASKPASS|EXEC_PATH|SSL_\w+|PROXY_\w+|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM))$/;

/**
 * What comes from the mirror is looked at as a push would be, and is kept as a pack, however little it is: a git before 2.36 syncs
 * that, and loose objects not.
 */
const SAFE = ['protocol.ext.allow=never', 'fetch.fsckObjects=true', 'fetch.unpackLimit=1'];

/** What is compressed anew are differences of trees, mostly ids, which take a third of the time and no byte more at the fastest level. */
const QUICK = ['pack.compression=1'];

const SETTINGS = [...SAFE, ...QUICK].flatMap((each) => ['-c', each]);

/** Runs git in a bare repository; its exit status is the caller's to judge. Throws `IO_ERROR`, `INTERRUPTED`. */
export function runGit(run: GitRun): Promise<GitResult> {
  return ran(run).catch((error: unknown) => {
    // That there is no room for a process says nothing of what the host takes: it is tried again, as when the host is away.
    if (KvError.is(error) && error.code === 'BUSY')
      throw new KvError('IO_ERROR', error.message, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    throw error;
  });
}

function ran({ directory, env, args, input, signal, shallowFile }: GitRun): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const interrupted = (): KvError => new KvError('INTERRUPTED', `git ${args[0]} to the mirror was interrupted`);
    if (signal?.aborted === true) {
      reject(interrupted());
      return;
    }
    const whole = { ...cleaned(env), ...(shallowFile === undefined ? {} : { GIT_SHALLOW_FILE: shallowFile }) };
    const start = () => spawn('git', [...SETTINGS, `--git-dir=${directory}`, ...args], { env: whole, stdio: 'pipe' });
    const child = startChild('git', start, reject, noGit);
    yielding(child);
    let ended = false;
    /** What git has started, such as an ssh whose host says nothing, may hold its outputs open for long after it. */
    const letGo = (): void => {
      if (!ended || signal?.aborted !== true) return;
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const stop = (): void => {
      child.kill('SIGTERM');
      letGo();
    };
    signal?.addEventListener('abort', stop, { once: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => undefined); // a git that ends early says why on stderr
    child.stdin.end(input ?? '');
    child.once('exit', () => {
      ended = true;
      letGo();
    });
    child.once('close', (code) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted === true) reject(interrupted());
      else resolve({ status: code ?? 128, stdout, stderr });
    });
  });
}

/** Half as much as `nice` does by default: a third of the time of whoever writes, so that a mirror is never left behind for long. */
const NICE = 5;

/** Where all cores are busy, whoever writes goes before the mirror, which then takes more at a time. */
function yielding({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // it has ended already, or the system knows no such thing
  }
}

function noGit(cause: Error): KvError {
  return new KvError('IO_ERROR', `cannot run git: ${cause.message}`, { cause, hint: 'install git 2.34 or later' });
}

function cleaned(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || KEPT.test(name));
  // Messages are read by this adapter, so they must not be translated.
  return { ...Object.fromEntries(kept), LC_ALL: 'C', LANGUAGE: '', GIT_TERMINAL_PROMPT: '0' };
}
