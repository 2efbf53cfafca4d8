import { may, type Permission, type Principal } from '../../domain/access/principal.js';
import { KvError } from '../../ports/error.js';

const AS: Readonly<Record<Permission, string>> = { push: 'a writer of a namespace', fetch: 'a reader', administer: 'an admin' };

/** Throws `POLICY_VIOLATION` unless a principal has a permission. */
export function requirePermission(pusher: Principal, permission: Permission): void {
  if (may(pusher, permission)) return;
  throw new KvError('POLICY_VIOLATION', `'${pusher.name}' may not ${permission}`, {
    hint: `ask an admin to list the key as ${AS[permission]} in the policy`,
  });
}

/** The refusal of a key that was taken from the policy while it was connected. */
export function notListed(): KvError {
  return new KvError('POLICY_VIOLATION', 'this key is not in the policy any more');
}
