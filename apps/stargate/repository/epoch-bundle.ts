import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { runGit } from './git.js';
import { serviceEnv } from './git-process.js';

/** Where an epoch goes that is dropped from the refs. */
export const archivesFolder = (gitDir: string): string => join(gitDir, '.stargate', 'archives');
export const bundlePath = (gitDir: string, ns: string, epoch: string): string =>
  join(archivesFolder(gitDir), `${ns}@${epoch}.bundle`);

const DRAFT = '.draft-';

/**
 * Writes refs and all that they reach as one `git bundle`, durable and proven: it is fetched into an empty repository, which is how
 * it would be brought back, since `git bundle verify` doesn't read the pack. Gives its size, bytes.
 * Throws `CAS_CONFLICT` when another bundle has that name, `GIT_ERROR` when it can't be made or doesn't hold what it should.
 */
export async function writeBundle(
  gitDir: string,
  format: ObjectFormat,
  path: string,
  refs: ReadonlyMap<RefName, Oid>,
): Promise<number> {
  const folder = archivesFolder(gitDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await sweepDrafts(folder);
  const git = (...args: string[]): Promise<string> => runGit(['-C', gitDir, ...args], { env: serviceEnv(gitDir, undefined) });
  if (await exists(path)) {
    if (!holds(await git('bundle', 'list-heads', path), refs)) {
      throw new KvError('CAS_CONFLICT', `${path} is there already and holds other commits`, {
        hint: 'move that bundle somewhere else first',
      });
    }
  }
  const draft = join(folder, `${DRAFT}${randomBytes(6).toString('hex')}`);
  const proof = `${draft}.git`;
  try {
    await git('bundle', 'create', '--quiet', draft, ...refs.keys());
    await sync(draft);
    await git('bundle', 'verify', '--quiet', draft);
    await runGit(['init', '--quiet', '--bare', `--object-format=${format}`, '--template=', proof], {
      env: serviceEnv(gitDir, undefined),
    });
    const inProof = (...args: string[]): Promise<string> =>
      runGit(['-C', proof, ...args], { env: serviceEnv(gitDir, undefined) });
    await inProof('fetch', '--quiet', '--no-tags', '--no-write-fetch-head', draft, '+refs/*:refs/*');
    await inProof('rev-list', '--objects', '--quiet', '--all');
    if (!holds(await inProof('for-each-ref', '--format=%(objectname) %(refname)'), refs)) {
      throw new KvError('GIT_ERROR', `the bundle of ${[...refs.keys()].join(' ')} doesn't hold what these refs point to`, {
        hint: 'nothing was dropped',
      });
    }
    await rename(draft, path);
    await sync(folder);
    return (await stat(path)).size;
  } finally {
    await rm(draft, { force: true });
    await rm(proof, { recursive: true, force: true });
  }
}

/** Removes what a crash has left. Nobody else is at work in the folder: compactions go one after another. */
async function sweepDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(DRAFT)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Whether lines of `oid ref` say exactly this. */
function holds(lines: string, refs: ReadonlyMap<RefName, Oid>): boolean {
  const wanted = [...refs].map(([ref, oid]) => `${oid} ${ref}`).sort();
  const found = lines.split('\n').filter(Boolean).sort();
  return wanted.length === found.length && wanted.every((line, i) => line === found[i]);
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // whatever the reason, it can't be used
  );
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
