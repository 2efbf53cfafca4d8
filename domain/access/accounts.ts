import { KvError } from '../../ports/error.js';
import { shownText } from '../../ports/grammar/shown-text.js';
import { DEFAULT_ROLES, isRight, type Right, type Rights } from './rights.js';

/** Somebody with a password. Times are milliseconds since the epoch. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  /** Never the password itself. */
  readonly passwordHash: string;
  readonly roles: readonly string[];
  readonly active: boolean;
  readonly createdAt: number;
  /** Rights in single repositories, in place of those of the roles. */
  readonly grants: Readonly<Record<string, readonly Right[]>>;
}

/** A key by which a program acts for a user. */
export interface ApiKey {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  /** SHA-256 of the key, hex. */
  readonly hash: string;
  readonly rights: readonly Right[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

/** A login and all that was refreshed from it. */
export interface Session {
  readonly id: string;
  readonly user: string;
  /** SHA-256 of the refresh token that is good now. */
  readonly refreshHash: string;
  readonly expiresAt: number;
}

/** All of it, as it is kept. */
export interface AccountsRecord {
  readonly v: 1;
  readonly users: readonly User[];
  readonly roles: Readonly<Record<string, readonly Right[]>>;
  readonly keys: readonly ApiKey[];
  readonly sessions: readonly Session[];
}

/** Nobody yet. */
export const NO_ACCOUNTS: AccountsRecord = { v: 1, users: [], roles: {}, keys: [], sessions: [] };

/** Users, their roles, keys and sessions. Every change is told, so that it can be kept. */
export class Accounts {
  private readonly byId: Map<string, User>;
  private readonly custom: Map<string, readonly Right[]>;
  private readonly keysByHash: Map<string, ApiKey>;
  private readonly open: Map<string, Session>;
  /** A changed user is another record; a role that comes or goes empties it. */
  private knownRights = new WeakMap<Pick<User, 'roles' | 'grants'>, Rights>();

  constructor(
    record: AccountsRecord,
    private readonly changed: () => Promise<void>,
  ) {
    this.byId = new Map(record.users.map((user) => [user.id, user]));
    this.custom = new Map(Object.entries(record.roles));
    this.keysByHash = new Map(record.keys.map((key) => [key.hash, key]));
    this.open = new Map(record.sessions.map((session) => [session.id, session]));
  }

  /** All as it is to be kept. */
  record(): AccountsRecord {
    const [users, keys, sessions] = [[...this.byId.values()], [...this.keysByHash.values()], [...this.open.values()]];
    return { v: 1, users, roles: Object.fromEntries(this.custom), keys, sessions };
  }

  users(): User[] {
    return [...this.byId.values()];
  }

  /** By id or name. Throws `NOT_FOUND`. */
  user(idOrName: string): User {
    const found = this.byId.get(idOrName) ?? this.named(idOrName);
    if (found !== undefined) return found;
    throw new KvError('NOT_FOUND', `there is no user '${shownText(idOrName)}'`, { details: { user: shownText(idOrName) } });
  }

  /** By name; undefined where there is none. */
  named(username: string): User | undefined {
    for (const user of this.byId.values()) if (user.username === username) return user;
    return undefined;
  }

  /** Throws `CAS_CONFLICT` for a name that is taken, `INPUT_INVALID` for a role that isn't there. */
  async addUser(user: User): Promise<void> {
    if (this.named(user.username) !== undefined || this.byId.has(user.username))
      throw new KvError('CAS_CONFLICT', `the name '${shownText(user.username)}' is taken`);
    this.checkRoles(user.roles);
    this.byId.set(user.id, user);
    await this.changed();
  }

  /** Changes a user; whoever may not log in any more, or has another password, has no session left. Throws `NOT_FOUND`, `INPUT_INVALID`. */
  async changeUser(id: string, change: Partial<Omit<User, 'id' | 'username' | 'createdAt'>>): Promise<User> {
    const user: User = { ...this.user(id), ...change };
    if (change.roles !== undefined) this.checkRoles(change.roles);
    this.keepAnAdmin(user);
    this.byId.set(user.id, user);
    if (change.active === false || change.passwordHash !== undefined) this.endSessionsOf(user.id);
    await this.changed();
    return user;
  }

  /** Removes a user with all keys and sessions. Throws `NOT_FOUND`, `CAS_CONFLICT` for the last admin. */
  async removeUser(id: string): Promise<void> {
    const user = this.user(id);
    this.keepAnAdmin({ ...user, active: false });
    this.byId.delete(user.id);
    this.endSessionsOf(user.id);
    for (const [hash, key] of this.keysByHash) if (key.user === user.id) this.keysByHash.delete(hash);
    await this.changed();
  }

  /** What a repository's end leaves of grants: another of its name must not inherit them. */
  async forgetRepository(repository: string): Promise<void> {
    let some = false;
    for (const user of this.byId.values()) {
      if (!Object.hasOwn(user.grants, repository)) continue;
      const { [repository]: _gone, ...grants } = user.grants;
      this.byId.set(user.id, { ...user, grants });
      some = true;
    }
    if (some) await this.changed();
  }

  /** What a user may do. The same answer comes again, until the user or a role changes. */
  rights(user: Pick<User, 'roles' | 'grants'>): Rights {
    const known = this.knownRights.get(user);
    if (known !== undefined) return known;
    const everywhere = new Set(user.roles.flatMap((role) => this.rightsOfRole(role)));
    const grants = new Map(Object.entries(user.grants).map(([repository, rights]) => [repository, new Set(rights)]));
    const rights = { everywhere, grants };
    this.knownRights.set(user, rights);
    return rights;
  }

  /** All roles with what they give. */
  roles(): Map<string, readonly Right[]> {
    return new Map([...Object.entries(DEFAULT_ROLES), ...this.custom]);
  }

  /** Throws `CAS_CONFLICT` for one that is there, `INPUT_INVALID` for an unknown right. */
  async addRole(name: string, rights: readonly string[]): Promise<void> {
    if (this.roles().has(name)) throw new KvError('CAS_CONFLICT', `there is a role '${shownText(name)}' already`);
    this.custom.set(name, checkedRights(rights));
    this.knownRights = new WeakMap();
    await this.changed();
  }

  /** Takes a role away from all who have it. Throws `NOT_FOUND`, `INPUT_INVALID` for a default one. */
  async removeRole(name: string): Promise<void> {
    if (Object.hasOwn(DEFAULT_ROLES, name)) throw new KvError('INPUT_INVALID', `the role '${name}' is always there`);
    if (!this.custom.has(name)) throw new KvError('NOT_FOUND', `there is no role '${shownText(name)}'`);
    const left = this.users().filter(({ id }) => this.isAdmin(id, (role) => role !== name));
    if (left.length === 0) throw new KvError('CAS_CONFLICT', 'without this role nobody would be an admin');
    this.custom.delete(name);
    this.knownRights = new WeakMap();
    for (const user of this.users()) this.byId.set(user.id, { ...user, roles: user.roles.filter((role) => role !== name) });
    await this.changed();
  }

  keys(user: string): ApiKey[] {
    return [...this.keysByHash.values()].filter((key) => key.user === user);
  }

  /** By its hash; undefined where there is none. */
  key(hash: string): ApiKey | undefined {
    return this.keysByHash.get(hash);
  }

  async addKey(key: ApiKey): Promise<void> {
    this.keysByHash.set(key.hash, key);
    await this.changed();
  }

  /** Notes that a key was used; kept with the next change. */
  usedKey(key: ApiKey, now: number): void {
    // To the second: a program that asks without a pause need not leave a record a request.
    if (key.lastUsedAt === null || now - key.lastUsedAt >= 1000) this.keysByHash.set(key.hash, { ...key, lastUsedAt: now });
  }

  /** Throws `NOT_FOUND` where that user has no such key. */
  async removeKey(user: string, id: string): Promise<void> {
    const key = this.keys(user).find((each) => each.id === id);
    if (key === undefined) throw new KvError('NOT_FOUND', `there is no API key '${shownText(id)}'`);
    this.keysByHash.delete(key.hash);
    await this.changed();
  }

  /** Undefined for one that has ended. */
  session(id: string): Session | undefined {
    return this.open.get(id);
  }

  /** Begins or renews a session; those whose time is over go. */
  async putSession(session: Session, now: number): Promise<void> {
    for (const [id, { expiresAt }] of this.open) if (expiresAt <= now) this.open.delete(id);
    this.open.set(session.id, session);
    await this.changed();
  }

  async endSession(id: string): Promise<void> {
    if (this.open.delete(id)) await this.changed();
  }

  private rightsOfRole(role: string): readonly Right[] {
    return (Object.hasOwn(DEFAULT_ROLES, role) ? DEFAULT_ROLES[role] : this.custom.get(role)) ?? [];
  }

  private endSessionsOf(user: string): void {
    for (const [id, session] of this.open) if (session.user === user) this.open.delete(id);
  }

  private isAdmin(id: string, counts: (role: string) => boolean = () => true): boolean {
    const { active, roles } = this.user(id);
    return active && roles.some((role) => counts(role) && this.rightsOfRole(role).includes('system:admin'));
  }

  /** Throws `CAS_CONFLICT` where nobody would be left who can change anything. */
  private keepAnAdmin(next: User): void {
    const isOne = next.active && next.roles.some((role) => this.rightsOfRole(role).includes('system:admin'));
    if (isOne || !this.isAdmin(next.id)) return;
    if (this.users().some(({ id }) => id !== next.id && this.isAdmin(id))) return;
    throw new KvError('CAS_CONFLICT', `'${shownText(next.username)}' is the last admin`, { hint: 'make another one first' });
  }

  private checkRoles(roles: readonly string[]): void {
    const known = this.roles();
    const none = roles.find((role) => !known.has(role));
    if (none !== undefined) throw new KvError('INPUT_INVALID', `there is no role '${shownText(none)}'`);
  }
}

/** Rights by their names. Throws `INPUT_INVALID` for an unknown one. */
export function checkedRights(names: readonly string[]): Right[] {
  return [...new Set(names)].map((name) => {
    if (isRight(name)) return name;
    throw new KvError('INPUT_INVALID', `'${shownText(name)}' is no permission`);
  });
}
