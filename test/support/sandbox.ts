import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectFormat } from '../../ports/vocabulary.js';

/** A temporary folder and an environment in which git sees nobody's configuration. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'git-kv-test-'));
  readonly env: Readonly<Record<string, string | undefined>> = {
    PATH: process.env['PATH'],
    HOME: this.folder,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'A U Thor',
    GIT_AUTHOR_EMAIL: 'author@example.com',
    GIT_COMMITTER_NAME: 'A U Thor',
    GIT_COMMITTER_EMAIL: 'author@example.com',
  };

  path(name: string): string {
    return join(this.folder, name);
  }

  run(program: string, args: readonly string[], input: string | Buffer = ''): Buffer {
    return execFileSync(program, args, {
      cwd: this.folder,
      env: this.env as NodeJS.ProcessEnv,
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });
  }

  git(directory: string, ...args: string[]): string {
    return this.run('git', ['-C', directory, ...args])
      .toString()
      .trim();
  }

  bare(name: string, format: ObjectFormat = 'sha1'): string {
    this.run('git', ['init', '-q', '--bare', `--object-format=${format}`, this.path(name)]);
    return this.path(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
