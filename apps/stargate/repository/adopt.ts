import { KV_FAMILIES } from '../../../domain/ledger/refs.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { withoutSecrets } from '../../../ports/grammar/shown-url.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { askGit, runGit } from './git.js';

/** Verifies one namespace of a repository that holds what was fetched; throws the KvError that says what is wrong. */
export type VerifyAdopted = (gitDir: string, ns: string) => Promise<void>;

export interface Adopted {
  /** The mirror's refs, brought over. */
  readonly refs: number;
  readonly namespaces: readonly string[];
  /** The mirror's default branch, such as `refs/heads/trunk`; null when it has none. */
  readonly head: string | null;
}

/**
 * What a Stargate takes over. `kv-mirror` is its own to write, and so is `kv-policy`; but the policy that it publishes must
 * follow the one that is there, or the mirror would refuse it.
 */
const TAKEN = ['heads', 'tags', ...KV_FAMILIES.filter((family) => family !== 'kv-mirror'), 'kv-policy'];

const PATIENCE_MS = 600_000;

/**
 * Fetches branches, tags and kv refs of the mirror into a new repository and verifies every namespace.
 * Throws `IO_ERROR` when the mirror can't be reached, `CONFIG_INVALID` when its object format is another,
 * `SYNC_REFUSED` when its kv refs don't verify.
 */
export async function adoptMirror(gitDir: string, remote: string, format: ObjectFormat, verify: VerifyAdopted): Promise<Adopted> {
  const listed = await askGit(['--git-dir', gitDir, 'ls-remote', '--symref', '--', remote], { timeout: PATIENCE_MS });
  if (listed.status !== 0) throw unreachable(listed.stderr, format);
  const names: string[] = [];
  let head: string | null = null;
  for (const line of listed.stdout.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && left.startsWith('ref: ')) head = left.slice('ref: '.length);
    else if (name !== 'HEAD' && TAKEN.includes(name.split('/')[1] ?? '') && !name.endsWith('^{}')) names.push(name);
    const hash = /^[0-9a-f]{40,64}$/.test(left) ? (left.length === 64 ? 'sha256' : 'sha1') : format;
    if (hash !== format) throw otherFormat(hash, format);
  }
  if (names.length === 0) await checkEmptyMirror(gitDir, remote, format);
  else {
    const refspecs = TAKEN.map((kind) => `+refs/${kind}/*:refs/${kind}/*`);
    // However few objects there are, they are kept as one pack: a git before 2.36 syncs that, and loose objects not.
    const fetch = ['-c', 'transfer.unpackLimit=1', 'fetch', '--quiet', '--no-auto-gc', '--no-tags'];
    const fetched = await askGit(['--git-dir', gitDir, ...fetch, '--', remote, ...refspecs], { timeout: PATIENCE_MS });
    if (fetched.status !== 0) throw unreachable(fetched.stderr, format);
  }
  const namespaces = new Set<string>();
  for (const name of names) {
    const ns = /^refs\/kv(?:-(?!policy)[a-z]+)?\/([^/@]+)/.exec(name)?.[1];
    if (ns !== undefined) namespaces.add(ns);
  }
  for (const ns of namespaces) {
    try {
      await verify(gitDir, ns);
    } catch (cause) {
      const error = toKvError(cause);
      throw new KvError('SYNC_REFUSED', `the mirror's namespace ${ns} does not verify: ${error.message}`, {
        cause,
        hint: 'nothing was created; repair or delete the kv refs at the mirror, then run init again',
      });
    }
  }
  return { refs: names.length, namespaces: [...namespaces].sort(), head: head !== null && names.includes(head) ? head : null };
}

/** A mirror without refs says nothing of its object format to a reader; a push that is not carried out finds it. */
async function checkEmptyMirror(gitDir: string, remote: string, format: ObjectFormat): Promise<void> {
  const tree = (await runGit(['--git-dir', gitDir, 'hash-object', '-t', 'tree', '-w', '--stdin'])).trim();
  const probe = await askGit(
    ['--git-dir', gitDir, 'push', '--dry-run', '--quiet', '--', remote, `${tree}:refs/kv-mirror/probe`],
    {
      timeout: PATIENCE_MS,
    },
  );
  if (/hash algorithm|mismatched algorithms|capabilities\^\{\}/.test(probe.stderr))
    throw unreachable('mismatched algorithms', format);
}

function unreachable(stderr: string, format: ObjectFormat): KvError {
  if (/mismatched algorithms/.test(stderr)) return otherFormat(format === 'sha1' ? 'sha256' : 'sha1', format);
  const said = withoutSecrets(stderr)
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 3)
    .join('; ');
  return new KvError('IO_ERROR', `cannot read the mirror: ${said || 'git gave no reason'}`, {
    hint: 'create the mirror repository, check the URL and that this user has access; nothing was created here',
  });
}

function otherFormat(there: string, here: ObjectFormat): KvError {
  return new KvError('CONFIG_INVALID', `the mirror's objects are named by ${there}, and this repository would use ${here}`, {
    hint: `run init with --hash ${there}`,
  });
}
