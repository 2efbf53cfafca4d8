import { spawn } from 'node:child_process';
import { KvError } from '../../../ports/error.js';
import { withoutSecrets } from '../../../ports/grammar/shown-url.js';

/** The environment for git commands of the daemon's own: the user's, without what would point git elsewhere. */
export function ownEnv(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !/^GIT_(?!SSH|CONFIG_(NOSYSTEM|GLOBAL)$|SSL|TRACE)/.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

export interface GitAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git and gives what it said, whatever its status. Throws `IO_ERROR` when there is no git. */
export function askGit(
  args: readonly string[],
  options: { cwd?: string; input?: string; timeout?: number; env?: Record<string, string> } = {},
): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const { cwd = '/', input = '', timeout, env = ownEnv() } = options;
    const child = spawn('git', [...args], { cwd, env, stdio: 'pipe', ...(timeout === undefined ? {} : { timeout }) });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.stdin.on('error', () => undefined); // it did not want the input: its status says why
    child.once('error', (cause) =>
      reject(new KvError('IO_ERROR', `cannot run git: ${cause.message}`, { cause, hint: 'install git 2.34 or newer' })),
    );
    child.once('close', (code) => {
      resolve({ status: code ?? 128, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
    });
    child.stdin.end(input);
  });
}

/** Runs git and gives its output. Throws `GIT_ERROR` with git's own words. */
export async function runGit(args: readonly string[], options: Parameters<typeof askGit>[1] = {}): Promise<string> {
  const { status, stdout, stderr } = await askGit(args, options);
  if (status === 0) return stdout.trimEnd();
  const verb = args.find((arg) => /^[a-z]/.test(arg)) ?? '';
  throw new KvError('GIT_ERROR', `git ${verb} failed: ${withoutSecrets(stderr).trim().split('\n').slice(-3).join('; ')}`);
}

/** Throws `CONFIG_INVALID` for a git that is older than what this is made for; once there is a store, opening it says so. */
export async function requireGit(): Promise<void> {
  const version = /^git version (\S+)/.exec(await runGit(['version']))?.[1] ?? 'of an unknown version';
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  if (major > 2 || (major === 2 && minor >= 34)) return;
  throw new KvError('CONFIG_INVALID', `git ${version} is too old: git-kv needs 2.34 or newer`, {
    hint: 'install git 2.34 or newer and make sure that it comes first on the PATH',
  });
}
