import { open, rm } from 'node:fs/promises';
import { KvError, type ObjectFormat, type Oid, type RefName } from '../../../ports/index.js';
import type { Hosted } from './hosted.js';
import { runGit } from './run-git.js';

/** Brings a bundle back into an empty repository and looks for all of it there: `git bundle verify` doesn't read the pack. */
export async function proveBundle(
  { gitDir, serviceEnv: env }: Hosted,
  file: string,
  format: ObjectFormat,
  refs: ReadonlyMap<RefName, Oid>,
): Promise<void> {
  await runGit(['-C', gitDir, 'bundle', 'verify', '--quiet', file], { env });
  const proof = `${file}.git`;
  const inProof = (...args: string[]): Promise<string> => runGit(['-C', proof, ...args], { env });
  try {
    await runGit(['init', '--quiet', '--bare', `--object-format=${format}`, '--template=', proof], { env });
    await inProof('fetch', '--quiet', '--no-tags', '--no-write-fetch-head', file, '+refs/*:refs/*');
    await inProof('rev-list', '--objects', '--quiet', '--all');
    if (isSame(refsIn(await inProof('for-each-ref', '--format=%(objectname) %(refname)')), refs)) return;
    throw new KvError('GIT_ERROR', `the bundle of ${[...refs.keys()].join(' ')} doesn't hold what these refs point to`, {
      hint: 'nothing was dropped',
    });
  } finally {
    await rm(proof, { recursive: true, force: true });
  }
}

/** Lines of `oid ref`. */
export function refsIn(lines: string): Map<RefName, Oid> {
  const refs = new Map<RefName, Oid>();
  for (const line of lines.split('\n')) {
    const [oid = '', ...name] = line.split(' ');
    if (oid !== '') refs.set(name.join(' '), oid);
  }
  return refs;
}

/** Whether two sets of refs are the same. */
export function isSame(one: ReadonlyMap<RefName, Oid>, two: ReadonlyMap<RefName, Oid>): boolean {
  return one.size === two.size && [...one].every(([ref, oid]) => two.get(ref) === oid);
}

/** Lets a file, or a folder's entries, survive a power failure. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
