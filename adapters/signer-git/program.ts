import { spawn } from 'node:child_process';
import { KvError } from '../../ports/error.js';
import { startChild } from '../../ports/start-child.js';

/** The environment of a process; undefined stands for a variable that is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** In which environment a program runs, and what ends it. */
export interface HowToRun {
  readonly env: Environment;
  readonly signal: AbortSignal | undefined;
}

interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell. Throws `IO_ERROR` when it can't be started, `INTERRUPTED` when the signal has ended it. */
export function runProgram(
  program: string,
  args: readonly string[],
  { env, signal }: HowToRun,
  input: Uint8Array,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const start = () => spawn(program, args, { env: env as NodeJS.ProcessEnv, stdio: 'pipe' });
    const child = startChild(program, start, reject, (cause) => notStarted(program, cause));
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    // A program that ends without reading its input says why on stderr.
    child.stdin.on('error', () => undefined);
    const end = (): void => void child.kill();
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end);
    child.on('close', (code) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted === true) reject(new KvError('INTERRUPTED', 'signing was interrupted'));
      else resolve({ code, stdout, stderr });
    });
    child.stdin.end(input);
  });
}

function notStarted(program: string, cause: Error): KvError {
  return new KvError('IO_ERROR', `cannot start the signing program '${program}'`, {
    hint: 'install it or correct gpg.program',
    cause,
  });
}

/** A failed signing program as `IO_ERROR`, with its last words, or those that say why it left the key out. */
export function signingFailed(program: string, stderr: string, hint: string): KvError {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('[GNUPG:]'));
  const [open, file] = lines.map((line) => TOO_OPEN.exec(line)).find((match) => match !== null) ?? [];
  const words = open ?? lines.at(-1) ?? 'it said nothing';
  return new KvError('IO_ERROR', `'${program}' did not sign: ${words}`, {
    hint: file === undefined ? hint : `let nobody else read the key: chmod 600 ${file}`,
  });
}

/** OpenSSH uses no private key that others may read; what it says last is then that there is none. */
const TOO_OPEN = /^Permissions \d+ for '(.+)' are too open/;
