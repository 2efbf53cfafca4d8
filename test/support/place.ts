import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';

/** The repository that the tests were compiled from. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));
export const BIN = process.env['GIT_KV_BIN'] ?? join(ROOT, 'bin', 'git-kv.js');

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder));
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A repository without any remote, with a user who signs with a fresh SSH key. */
export class Place {
  readonly home = mkdtempSync(join(tmpdir(), 'git-kv-cli-'));
  readonly repo = join(this.home, 'repo');
  readonly env: Record<string, string>;

  constructor(options: { readonly bare?: boolean; readonly hash?: 'sha1' | 'sha256' } = {}) {
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.home,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
    };
    mkdirSync(this.repo);
    this.git('init', '--quiet', `--object-format=${options.hash ?? 'sha1'}`, ...(options.bare ? ['--bare'] : []), '.');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'wendy@example.com', '-f', join(this.home, 'key')]);
    this.git('config', 'user.name', 'Wendy Writer');
    this.git('config', 'user.email', 'wendy@example.com');
    this.git('config', 'gpg.format', 'ssh');
    this.git('config', 'user.signingkey', join(this.home, 'key.pub'));
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.repo, env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs `git kv` as its own process. */
  kv(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.command(process.execPath, [BIN, ...args], options);
  }

  /** Runs `git kv` from a shell's command line, for bytes that no JavaScript string can hold; `$KV` is the program. */
  shell(line: string, options: RunOptions = {}): Promise<Outcome> {
    return this.command('bash', ['-c', `KV="${process.execPath} ${BIN}"; ${line}`], options);
  }

  /** As `kv`, and gives standard output as text. Throws unless the exit code is 0. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.kv(args, options);
    if (code !== 0) throw new Error(`git kv ${args.join(' ')} exited with ${code}:\n${stderr}`);
    return stdout.toString('utf8');
  }

  /** As `ok` with --json, parsed. */
  async json<T = Record<string, unknown>>(args: readonly string[], options: RunOptions = {}): Promise<T> {
    return JSON.parse(await this.ok([...args, '--json'], options)) as T;
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  private command(file: string, args: readonly string[], { input, env, cwd }: RunOptions): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(file, args, { cwd: cwd ?? this.repo, env: { ...this.env, ...env } });
      const stdout: Buffer[] = [];
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
      child.stdin.on('error', () => undefined); // a command that doesn't read its input ends before it is written
      child.stdin.end(input ?? '');
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
    });
  }
}

/** Skips a test where there is no script(1) to make a terminal with, and says so; in CI that is a fault of the machine's set-up. */
export async function needsTerminal(test: Mocha.Context, place: Place): Promise<void> {
  if ((await place.shell('command -v script')).code === 0) return;
  if (process.env['CI'] || process.env['GIT_KV_NO_SKIP']) throw new Error('script(1) is not on this machine');
  console.log('      skipped: there is no script(1) on this machine');
  test.skip();
}
