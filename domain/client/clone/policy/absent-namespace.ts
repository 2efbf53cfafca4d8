import { KvError } from '../../../../ports/error.js';
import { nearest } from '../../../../ports/grammar/nearest.js';
import type { Clone } from '../clone.js';
import { knownPolicy } from './known-policy.js';

const SHOWN = 8;

/**
 * `NOT_FOUND` for a namespace without a ledger: the first write makes one, unless the policy that this clone knows has no such namespace.
 * `offline`: nothing was fetched, so that nothing is said of the mirror.
 */
export async function absentNamespace(clone: Clone, ns: string, offline = false): Promise<KvError> {
  const unlisted = await unlistedNamespace(clone, ns);
  if (unlisted === null) return offline ? notFetched(ns) : noNamespace(ns);
  return new KvError('NOT_FOUND', `namespace ${ns} has no ledger here, and the policy as last fetched has no such namespace`, {
    hint: unlisted,
  });
}

/** What to do about a namespace that the policy, as last fetched, does not list; null when it does, or no policy is known. */
export async function unlistedNamespace(clone: Clone, ns: string): Promise<string | null> {
  const policy = await knownPolicy(clone);
  if (policy === null || policy.namespaces.has(ns)) return null;
  const listed = [...policy.namespaces.keys()];
  const near = nearest(ns, listed);
  const names = listed.slice(0, SHOWN).join(', ') + (listed.length > SHOWN ? ` and ${listed.length - SHOWN} more` : '');
  return `${near === undefined ? '' : `did you mean ${near}? `}the policy lists ${names || 'none'}; an admin adds others`;
}

function notFetched(ns: string): KvError {
  return new KvError('NOT_FOUND', `namespace ${ns} has no ledger here, and nothing was fetched`, {
    hint: 'a read that fetches brings it, where there is one',
  });
}

/** `missing` is the remote that this clone has not got. */
export function noNamespace(ns: string, missing?: string): KvError {
  return new KvError('NOT_FOUND', `namespace ${ns} has no ledger here${missing === undefined ? ' or at the mirror' : ''}`, {
    ...(missing === undefined
      ? { hint: 'the first write creates it', advice: { id: 'write-first', ns } }
      : {
          hint: `this clone has no remote: git remote add ${missing} URL, and set it up; the first write begins without one`,
          advice: { id: 'begin-namespace', ns, remote: missing },
        }),
  });
}
