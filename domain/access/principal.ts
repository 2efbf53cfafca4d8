import { parseSshKey, type SshPublicKey } from '../../ports/grammar/network/ssh-key.js';
import type { Policy, PolicyKey } from '../../ports/stargate/policy-reader.js';

/** What the policy lists a key as. A writer is one of at least one namespace. */
export type Role = 'admin' | 'writer' | 'reader';

/** Who speaks with a Stargate, once a key has been proved to be theirs. */
export interface Principal {
  /** The key's name in the policy. */
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
}

/** A principal by its roles. */
export function principal(name: string, ...roles: readonly Role[]): Principal {
  return { name, roles: new Set(roles) };
}

/**
 * What a principal asks for: to read from the Stargate; to push branches and tags, and to relay transactions that others may have
 * signed; to change what only admins may (delete a branch or tag, run a verb for admins).
 */
export type Permission = 'fetch' | 'push' | 'administer';

const ROLES_FOR: Readonly<Record<Permission, readonly Role[]>> = {
  fetch: ['reader', 'writer', 'admin'],
  push: ['writer', 'admin'],
  administer: ['admin'],
};

/** Whether any of a principal's roles gives a permission. */
export function may({ roles }: Principal, permission: Permission): boolean {
  return ROLES_FOR[permission].some((role) => roles.has(role));
}

/** A principal and the SSH key by which it is known. */
export interface KnownKey {
  readonly key: SshPublicKey;
  readonly principal: Principal;
}

/** The principals of a policy, each with its SSH key, once; a key that is listed under several roles has them all. */
export function principalsOf(policy: Policy): readonly KnownKey[] {
  const known = new Map<string, KnownKey>();
  const grant = (keys: readonly PolicyKey[], role: Role): void => {
    for (const { kind, material, name } of keys) {
      const key = kind === 'ssh' ? parseSshKey(material) : undefined;
      if (key === undefined || typeof key === 'string') continue; // an OpenPGP key signs, and opens no connection
      const before = known.get(key.base64)?.principal;
      known.set(key.base64, { key, principal: principal(before?.name ?? name, ...(before?.roles ?? []), role) });
    }
  };
  grant(policy.admins, 'admin');
  for (const namespace of policy.namespaces.values()) grant(namespace.writers, 'writer');
  grant(policy.readers, 'reader');
  return [...known.values()];
}
