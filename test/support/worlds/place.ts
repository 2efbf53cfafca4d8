import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asRan, type CommandOptions, isAlone, runKept } from '../commands/kept.js';
import { isolatedEnv } from './isolated-env.js';
import { personKey } from '../keys.js';
import { type RanBytes, runBytes, type RunOptions } from '../programs/processes.js';
import { removeFolder } from '../remove-folder.js';
import { BIN_DIR } from '../root.js';

const BIN = join(BIN_DIR, 'git-kv.js');

/** A repository without any remote, with a user who signs with a fresh SSH key. */
export class Place {
  readonly home = mkdtempSync(join(tmpdir(), 'git-kv-cli-'));
  readonly repo = join(this.home, 'repo');
  readonly env: Record<string, string>;

  constructor(options: { readonly bare?: boolean; readonly hash?: 'sha1' | 'sha256' } = {}) {
    this.env = isolatedEnv(this.home);
    mkdirSync(this.repo);
    this.git('init', '--quiet', `--object-format=${options.hash ?? 'sha1'}`, ...(options.bare ? ['--bare'] : []), '.');
    personKey(join(this.home, 'key'), 'wendy@example.com');
    // Written at once: a test of many places would start four gits for each.
    appendFileSync(join(this.repo, options.bare ? 'config' : '.git/config'), configOf(join(this.home, 'key.pub')));
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.repo, env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs `git kv`. */
  async kv(args: readonly string[], options: CommandOptions = {}): Promise<RanBytes> {
    if (isAlone(options)) return this.command(process.execPath, [BIN, ...args], options);
    return asRan(await runKept('git-kv', args, { cwd: this.repo, ...options, env: { ...this.env, ...options.env } }));
  }

  /** Runs `git kv` from a shell's command line, for bytes that no JavaScript string can hold; `$KV` is the program. */
  shell(line: string, options: RunOptions = {}): Promise<RanBytes> {
    return this.command('bash', ['-c', `KV="${process.execPath} ${BIN}"; ${line}`], options);
  }

  /** As `kv`, and gives standard output as text. Throws unless the exit code is 0. */
  async ok(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.kv(args, options);
    if (code !== 0) throw new Error(`git kv ${args.join(' ')} exited with ${code}:\n${stderr}`);
    return stdout.toString('utf8');
  }

  /** As `ok` with --json, parsed. */
  async json<T = Record<string, unknown>>(args: readonly string[], options: CommandOptions = {}): Promise<T> {
    return JSON.parse(await this.ok([...args, '--json'], options)) as T;
  }

  remove(): void {
    removeFolder(this.home);
  }

  private command(file: string, args: readonly string[], { env, ...options }: RunOptions): Promise<RanBytes> {
    return runBytes(file, args, { cwd: this.repo, ...options, env: { ...this.env, ...env } });
  }
}

const configOf = (key: string): string =>
  `[user]\n\tname = Wendy Writer\n\temail = wendy@example.com\n\tsigningKey = ${key}\n[gpg]\n\tformat = ssh\n`;
