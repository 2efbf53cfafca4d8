import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';

/** What a process has left. */
export interface Ran {
  /** 255 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As `Ran`, for output that may be no text. */
export interface RanBytes {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Where and how a process runs. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What it reads; nothing when absent. */
  readonly input?: string | Uint8Array;
  /** Kills it after that. Two minutes, unless said otherwise. ms. */
  readonly timeout?: number;
  /** Kills it when it fires. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end. Throws when it cannot be started. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return asText(await runBytes(file, args, options));
}

/** As `run`; gives the bytes of the standard output. */
export async function runBytes(file: string, args: readonly string[], options: RunOptions = {}): Promise<RanBytes> {
  const { cwd, env, input = '', timeout = 120_000, signal } = options;
  const child = spawn(file, args, { cwd, env, timeout, killSignal: 'SIGKILL' });
  signal?.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  child.stdin.on('error', () => undefined); // a program that doesn't read its input ends before it is written
  child.stdin.end(input);
  return collected(child);
}

/** Resolves with what a process has printed, once it has ended. */
export function collected(child: ChildProcess): Promise<RanBytes> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code: code ?? 255, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

/** The same, its output taken for UTF-8. */
export const asText = ({ code, stdout, stderr }: RanBytes): Ran => ({ code, stdout: stdout.toString(), stderr });

/** The command lines of processes that work in a folder: it is among their arguments, or their GIT_DIR, or where they are. */
export async function processesIn(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = ids.map(async (id) => {
    const gone = (): string => ''; // ended meanwhile, or not ours to look at
    const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(gone);
    const env = await readFile(`/proc/${id}/environ`, 'utf8').catch(gone);
    const cwd = await readlink(`/proc/${id}/cwd`).catch(gone);
    const inside = line.includes(folder) || cwd.startsWith(folder) || env.includes(`GIT_DIR=${folder}`);
    return inside ? `${id} ${line.replaceAll('\0', ' ')}` : '';
  });
  return (await Promise.all(lines)).filter((line) => line !== '');
}
