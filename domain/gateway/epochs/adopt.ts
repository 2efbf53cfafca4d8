import { KvError, toKvError } from '../../../ports/error.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { RefName } from '../../../ports/vocabulary.js';
import { KV_FAMILIES } from '../../ledger/refs.js';

/** What was taken over from a mirror. */
export interface Adopted {
  /** How many of the mirror's refs were brought over. */
  readonly refs: number;
  /** How many of them are branches. */
  readonly branches: number;
  readonly namespaces: readonly string[];
  /** The mirror's default branch, such as `refs/heads/trunk`; null when it has none. */
  readonly head: RefName | null;
  /** The branch that its HEAD names, where it has no branches yet and tells; else null. */
  readonly unborn: RefName | null;
}

/** Verifies the whole history of one namespace; throws the KvError that says what is wrong. */
type VerifyAdopted = (ns: string) => Promise<unknown>;

/**
 * What a Stargate takes over. `kv-mirror` is its own to write, and so is `kv-policy`; but the policy that it publishes must
 * follow the one that is there, or the mirror would refuse it.
 */
const TAKEN = ['heads', 'tags', ...KV_FAMILIES.filter((family) => family !== 'kv-mirror'), 'kv-policy'];

/**
 * Brings branches, tags and kv refs of the mirror into a new repository and verifies every namespace. HEAD follows the mirror's.
 * Throws `IO_ERROR` when the mirror can't be reached, `CONFIG_INVALID` when its object format is another,
 * `SYNC_REFUSED` when its kv refs don't verify.
 */
export async function adoptMirror(host: RepositoryHost, remote: string, verify: VerifyAdopted): Promise<Adopted> {
  const listed = await host.listRemote(remote);
  const names = [...listed.refs.keys()].filter((name) => TAKEN.includes(name.split('/')[1] ?? ''));
  if (names.length > 0) await host.fetchRemote(remote, TAKEN);
  const namespaces = new Set<string>();
  for (const name of names) {
    const ns = /^refs\/kv(?:-(?!policy)[a-z]+)?\/([^/@]+)/.exec(name)?.[1];
    if (ns !== undefined) namespaces.add(ns);
  }
  for (const ns of namespaces) {
    try {
      await verify(ns);
    } catch (cause) {
      const error = toKvError(cause);
      throw new KvError('SYNC_REFUSED', `the mirror's namespace ${ns} does not verify: ${error.message}`, {
        cause,
        hint: 'nothing was created; repair or delete the kv refs at the mirror, then run init again',
      });
    }
  }
  const head = listed.head !== null && names.includes(listed.head) ? listed.head : null;
  if (head !== null) await host.setHead(head);
  const branches = names.filter((name) => name.startsWith('refs/heads/')).length;
  return { refs: names.length, branches, namespaces: [...namespaces].sort(), head, unborn: branches === 0 ? listed.head : null };
}
