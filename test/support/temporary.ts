import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The repository's root, from a compiled test (`<outDir>/test/…`) whose outDir may lie anywhere: mocha runs in the root. */
export const ROOT = process.cwd();

/** Where the compiled project lies. */
export const BUILD = fileURLToPath(new URL('../..', import.meta.url));

export interface Temporary {
  readonly path: string;
  remove(): Promise<void>;
}

export async function temporaryFolder(): Promise<Temporary> {
  const path = await mkdtemp(join(tmpdir(), 'git-kv-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** An environment in which Git sees no configuration but the repository's. */
export function isolatedEnv(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.org',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.org',
  };
}

/** Runs git and gives its trimmed output. */
export async function git(env: Record<string, string>, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { env });
  return stdout.trim();
}
