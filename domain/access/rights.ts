/** Everything that somebody may be allowed to do over HTTP. */
export const RIGHTS = [
  ...(['system:admin', 'repo:read', 'repo:write', 'repo:delete', 'user:read', 'webhook:write'] as const),
  ...(['kv:read', 'kv:write'] as const),
] as const;

/** One of them. `system:admin` includes all others. */
export type Right = (typeof RIGHTS)[number];

/** What somebody may do: everywhere, and in single repositories, where a grant takes the place of what holds everywhere. */
export interface Rights {
  readonly everywhere: ReadonlySet<Right>;
  readonly grants: ReadonlyMap<string, ReadonlySet<Right>>;
}

/** The roles that there always are. A guest may do what grants say, and nothing else. */
export const DEFAULT_ROLES: Readonly<Record<string, readonly Right[]>> = Object.freeze({
  admin: ['system:admin'],
  developer: ['repo:read', 'repo:write', 'webhook:write', 'kv:read', 'kv:write'],
  reader: ['repo:read', 'kv:read'],
  guest: [],
});

/** Whether a text names a right. */
export function isRight(text: string): text is Right {
  return (RIGHTS as readonly string[]).includes(text);
}

/** Whether somebody may do something, in a repository where it is about one. */
export function allows({ everywhere, grants }: Rights, right: Right, repository?: string): boolean {
  if (everywhere.has('system:admin')) return true;
  const grant = repository === undefined ? undefined : grants.get(repository);
  return (grant ?? everywhere).has(right);
}

/** What is left of somebody's rights to who acts for them with some rights alone. */
export function narrowed(rights: Rights, to: ReadonlySet<Right>): Rights {
  const isAll = rights.everywhere.has('system:admin');
  const common = (own: ReadonlySet<Right>): Set<Right> => new Set([...to].filter((right) => isAll || own.has(right)));
  const grants = isAll ? [] : [...rights.grants].map(([repository, own]) => [repository, common(own)] as const);
  return { everywhere: common(rights.everywhere), grants: new Map(grants) };
}
