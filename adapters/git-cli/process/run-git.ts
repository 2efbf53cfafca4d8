import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { startChild } from '../../../ports/start-child.js';
import { isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';
import { withoutSecrets } from '../../../ports/grammar/network/shown-url.js';
import { saidSoFar } from './said.js';

/** The environment of a process; undefined stands for a variable that is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a git process runs: its working directory and its complete environment. */
export interface GitPlace {
  readonly cwd: string;
  readonly env: Environment;
}

/** What a git process left: its exit status, and its two outputs whole. */
export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What a git process is given besides its arguments, and who looks after it. */
export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** Sees stderr as it comes, besides its being collected. */
  readonly onStderr?: (chunk: string) => void;
  readonly supervisor?: Supervisor;
}

/** Watches a running git; `failed` makes the run reject with this, once the process has ended and `over` has resolved. */
export interface Supervisor {
  /** The descriptors that git gets pipes at, besides the standard three. */
  readonly pipes: readonly number[];
  readonly supervise: (child: ChildProcess, failed: (error: KvError, over: Promise<void>) => void) => void;
}

// What ties a process to another repository than the one that was asked for (`git rev-parse --local-env-vars`).
// The user's own `-c` settings (GIT_CONFIG_PARAMETERS, GIT_CONFIG_COUNT) stay.
const FOREIGN = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_CONFIG',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_NAMESPACE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_QUARANTINE_PATH',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
  'GIT_LITERAL_PATHSPECS',
  'GIT_GLOB_PATHSPECS',
  'GIT_ICASE_PATHSPECS',
  'LANGUAGE',
];

/** True for a Git directory itself, as opposed to a folder that has one. */
function isGitDirectory(directory: string): boolean {
  return (
    existsSync(join(directory, 'HEAD')) && (existsSync(join(directory, 'objects')) || existsSync(join(directory, 'commondir')))
  );
}

/** The place for a directory: a Git directory is named to git, from any other folder git looks for one. */
export function gitPlace(directory: string, env: Environment, extra: Environment = {}): GitPlace {
  const clean: Record<string, string | undefined> = { ...env };
  for (const name of FOREIGN) delete clean[name];
  // Replace refs would let whoever can push one change what an object id means.
  Object.assign(clean, { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1' });
  if (isGitDirectory(directory)) clean['GIT_DIR'] = directory;
  return { cwd: directory, env: { ...clean, ...extra } };
}

// By default git maps packs whole: a large value's pages would all be resident at once, in every process that reads or sends it.
const MAPPED = ['-c', 'core.packedGitWindowSize=16m', '-c', 'core.packedGitLimit=64m'];

/** Starts git; `failed` hears when it can't be started at all. Throws `BUSY` where that is known at once. */
export function spawnGit(
  place: GitPlace,
  args: readonly string[],
  failed: (error: KvError) => void,
  morePipes: readonly number[] = [],
): ChildProcessWithoutNullStreams {
  const last = Math.max(2, ...morePipes);
  const stdio = Array.from({ length: last + 1 }, (_, i) => (i < 3 || morePipes.includes(i) ? 'pipe' : 'ignore'));
  const { cwd, env } = place;
  const start = () => spawn('git', [...MAPPED, ...args], { cwd, env: env as NodeJS.ProcessEnv, stdio });
  const child = startChild('git', start, failed, (cause) => noGit(place, cause)) as ChildProcessWithoutNullStreams;
  // A process that ends early breaks the pipe; its exit tells the reason.
  child.stdin.on('error', () => undefined);
  return child;
}

function noGit(place: GitPlace, cause: Error): KvError {
  const hint = existsSync(place.cwd)
    ? 'install git 2.34 or newer and make sure that it is on the PATH'
    : 'name a folder that exists';
  return new KvError('IO_ERROR', `git could not be started in '${place.cwd}'`, { hint, cause });
}

/** Runs git to its end. Rejects with `IO_ERROR` or `BUSY` only when it can't be started or a signal ended it. */
export function runGit(place: GitPlace, args: readonly string[], options: RunOptions = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const { supervisor } = options;
    const child = spawnGit(place, args, reject, supervisor?.pipes);
    let giveUp: (() => void) | null = null;
    supervisor?.supervise(child, (error, over) => (giveUp = () => void over.then(() => reject(error))));
    // What git has left running may hold its pipes open.
    child.on('exit', () => {
      for (const stream of child.stdio.slice(giveUp === null ? 3 : 1)) stream?.destroy();
    });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (chunk: string) => {
      stderr = saidSoFar(stderr, chunk);
      options.onStderr?.(chunk);
    });
    child.on('close', (code, signal) => {
      if (giveUp !== null) giveUp();
      else if (code === null) reject(new KvError('IO_ERROR', `git ${verbOf(args)} was ended by ${signal ?? 'a signal'}`));
      else resolve({ code, stdout: Buffer.concat(stdout), stderr });
    });
    child.stdin.end(options.input ?? '');
  });
}

/** The subcommand in an argument list, for messages. */
function verbOf(args: readonly string[]): string {
  let at = 0;
  while (args[at] === '-c') at += 2;
  return args[at] ?? '';
}

/** Git's own words as a `GIT_ERROR`; as `STORAGE_FULL` where they say that the disk has no room left. */
export function gitFailed(what: string, stderr: string): KvError {
  const line = firstComplaint(stderr);
  if (isOutOfSpace(stderr))
    return new KvError('STORAGE_FULL', `${what}: ${line}`, { hint: 'free some disk space and try again' });
  return new KvError('GIT_ERROR', line === '' ? what : `${what}: ${line}`, {
    hint: 'run `git fsck` in this repository if the message does not explain itself',
  });
}

/** The first line in which git says what is wrong, without its `fatal: ` and without what is secret in an address. */
export function firstComplaint(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((each) => /^(fatal|error): /.test(each)) ?? lines[0] ?? '';
  return withoutSecrets(line.replace(/^(fatal|error): /, ''));
}
