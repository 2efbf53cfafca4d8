import { KvError } from '../../../ports/error.js';
import { firstComplaint, runGit } from '../process/run-git.js';
import type { GitPlace } from '../process/run-git.js';

/** Git's configuration: key (section and variable in lower case) to its values, in order. */
export type ConfigValues = ReadonlyMap<string, readonly string[]>;

/** Everything that git knows at a place, from one process. Throws `CONFIG_INVALID` when git can't read it. */
export async function readConfig(place: GitPlace): Promise<ConfigValues> {
  const { code, stdout, stderr } = await runGit(place, ['config', '--list', '-z']);
  if (code !== 0) {
    throw new KvError('CONFIG_INVALID', `git cannot read its configuration: ${firstComplaint(stderr)}`, {
      hint: 'correct the file that git names',
    });
  }
  const values = new Map<string, string[]>();
  for (const entry of stdout.toString('utf8').split('\0')) {
    if (entry === '') continue;
    const lf = entry.indexOf('\n');
    const key = lf < 0 ? entry : entry.slice(0, lf);
    // A variable without `=` is Git's short form of true.
    const value = lf < 0 ? 'true' : entry.slice(lf + 1);
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  return values;
}

/** A key with its section and variable in lower case; what is between them keeps its case. */
export function canonicalKey(key: string): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  if (
    first <= 0 ||
    !/^[a-z][a-z0-9-]*$/i.test(key.slice(last + 1)) ||
    !/^[a-z0-9-]+$/i.test(key.slice(0, first)) ||
    /[\0\n]/.test(key)
  ) {
    throw new KvError('INPUT_INVALID', `'${key}' is not a configuration key`, {
      hint: 'use a key such as remote.origin.pushurl',
    });
  }
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
}
