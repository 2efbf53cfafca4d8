import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { runProgram } from '../commands/kept.js';
import { isolatedEnv } from './isolated-env.js';
import { makeKey } from '../keys.js';
import { asText, collected, type Ran } from '../programs/processes.js';
import { removeFolder } from '../remove-folder.js';

/** A temporary folder, which is the HOME of an environment in which git sees nobody's configuration. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'git-kv-test-'));
  readonly env: Record<string, string> = isolatedEnv(this.folder, 'ada');
  private readonly children = new Set<ChildProcess>();

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Runs a program to its end while this process waits; gives what it printed. Throws unless its exit code is 0. */
  run(program: string, args: readonly string[], input: string | Buffer = ''): Buffer {
    const { folder: cwd, env } = this;
    return execFileSync(program, args, { cwd, env, input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
  }

  /** Runs git in a folder; gives what it printed, trimmed. */
  git(directory: string, ...args: string[]): string {
    return this.run('git', ['-C', directory, ...args])
      .toString()
      .trim();
  }

  /** Makes a bare repository; gives its path. */
  bare(name: string, format: ObjectFormat = 'sha1'): string {
    this.run('git', ['init', '-q', '--bare', `--object-format=${format}`, this.path(name)]);
    return this.path(name);
  }

  /** Makes a key pair; gives the private key's path. */
  key(name: string, type: 'ed25519' | 'rsa' = 'ed25519'): string {
    const file = this.path(`${name}.key`);
    makeKey(file, name, type);
    return file;
  }

  /** Starts a program that runs beside this process; `done` resolves when it has ended. */
  start(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): { child: ChildProcess; done: Promise<Ran> } {
    const child = spawn(program, args, { cwd: this.folder, env: { ...this.env, ...env }, detached: true });
    this.children.add(child);
    const done = collected(child).then(asText);
    return { child, done: done.finally(() => this.children.delete(child)) };
  }

  /** Runs a program to its end while this process goes on: it may ask a server of this process. */
  async exec(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const { child, done } = this.start(program, args, env);
    child.stdin?.end();
    return done;
  }

  /** `git-kv-stargate …` in this folder, in a process that is kept: anything but to serve. */
  stargate(args: readonly string[]): Promise<Ran> {
    return runProgram('git-kv-stargate', args, { cwd: this.folder, env: this.env });
  }

  /** Kills a program that `start` gave, and the processes that it started itself. */
  kill(child: ChildProcess): void {
    if (child.pid !== undefined && this.children.has(child)) process.kill(-child.pid, 'SIGKILL');
  }

  remove(): void {
    for (const child of this.children) this.kill(child);
    removeFolder(this.folder);
  }
}
