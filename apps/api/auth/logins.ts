import { hash, randomBytes } from 'node:crypto';
import type { Accounts, ApiKey, Session, User } from '../../../domain/access/accounts.js';
import { allows, narrowed, type Right, type Rights } from '../../../domain/access/rights.js';
import { ApiError } from '../problems/errors.js';
import { Buckets } from './buckets.js';
import type { Passwords } from './passwords.js';
import type { TokenClaims, Tokens } from './tokens.js';

/** Who sends a request, however that was proved. */
export interface Holder {
  /** The user's id; null where nobody is logged in and the server lets anybody do something. */
  readonly user: User | null;
  readonly name: string;
  readonly rights: Rights;
  readonly via: 'token' | 'api-key' | 'nothing';
  /** Of a token. */
  readonly session?: string;
}

/** What a login gives. */
export interface LoggedIn {
  readonly token: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
  readonly user: User;
}

/** What logins are made of. */
export interface LoginParts {
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  /** Milliseconds. */
  readonly refreshTtl: number;
  readonly loginsPerMinute: number;
  readonly anonymousRole: string;
  readonly now: () => number;
}

/** What an API key begins with, so that it is known where it leaks. */
const KEY_MARK = 'gka_';

/** Proves who somebody is: by a password, a refresh token, a token, an API key. */
export class Logins {
  private readonly attempts: Buckets;
  private readonly nobody: Pick<User, 'roles' | 'grants'>;
  /** What was last told of a session, as long as its user and rights are the same records. */
  private readonly holders = new WeakMap<Session, Holder>();

  constructor(private readonly parts: LoginParts) {
    this.attempts = new Buckets(parts.loginsPerMinute, parts.now);
    this.nobody = { roles: [parts.anonymousRole], grants: {} };
  }

  /** Throws `UNAUTHORIZED`, as slowly for a name that nobody has; `RATE_LIMIT_EXCEEDED`. */
  async login(username: string, password: string, address: string): Promise<LoggedIn> {
    const { accounts, passwords } = this.parts;
    const counted = [`address ${address}`, `name ${sha256(username)} ${address}`];
    const wait = Math.max(...counted.map((name) => this.attempts.take(name)));
    if (wait > 0 || passwords.busy)
      throw new ApiError(429, 'RATE_LIMIT_EXCEEDED', 'too many logins: try again later', undefined, {
        'Retry-After': String(Math.max(1, wait)),
      });
    const user = accounts.named(username);
    const isRight = await passwords.verify(password, user?.passwordHash);
    const current = user === undefined ? undefined : accounts.named(username); // they may be gone by now
    if (!isRight || current?.active !== true || current.passwordHash !== user?.passwordHash)
      throw new ApiError(401, 'UNAUTHORIZED', 'the user name or the password is wrong');
    for (const name of counted) this.attempts.give(name);
    return this.session(current, randomBytes(12).toString('hex'));
  }

  /** A refresh token is good once: whoever brings it again ends the session. Throws `UNAUTHORIZED`. */
  async refresh(refreshToken: string): Promise<LoggedIn> {
    const { accounts, now } = this.parts;
    const refused = new ApiError(401, 'UNAUTHORIZED', 'the refresh token is not good any more: log in again');
    const [, id] = /^gkr_([0-9a-f]{24})_[A-Za-z0-9_-]{43}$/.exec(refreshToken) ?? [];
    const session = id === undefined ? undefined : accounts.session(id);
    if (session === undefined) throw refused;
    const user = accounts.users().find((each) => each.id === session.user);
    const isNewest = session.refreshHash === sha256(refreshToken);
    if (!isNewest || session.expiresAt <= now() || user?.active !== true) {
      await accounts.endSession(session.id);
      throw refused;
    }
    return this.session(user, session.id);
  }

  /** Who brings a token; null for none that is good. At once where the token was seen before; what it proves is looked at each time. */
  byToken(token: string): Holder | null | Promise<Holder | null> {
    const claims = this.parts.tokens.known(token);
    return claims === undefined ? this.parts.tokens.verify(token).then((said) => this.holderOf(said)) : this.holderOf(claims);
  }

  private holderOf(claims: TokenClaims | null): Holder | null {
    const { accounts } = this.parts;
    const session = claims === null ? undefined : accounts.session(claims.session);
    if (session === undefined || session.user !== claims?.user) return null;
    const user = accounts.user(session.user);
    if (!user.active) return null;
    const rights = accounts.rights(user);
    const before = this.holders.get(session);
    if (before?.user === user && before.rights === rights) return before;
    const holder: Holder = { user, name: user.username, rights, via: 'token', session: session.id };
    this.holders.set(session, holder);
    return holder;
  }

  /** Who brings an API key; null for none that is good. */
  byKey(text: string): Holder | null {
    const { accounts, now } = this.parts;
    const key = text.startsWith(KEY_MARK) && text.length < 100 ? accounts.key(sha256(text)) : undefined;
    if (key === undefined || (key.expiresAt !== null && key.expiresAt <= now())) return null;
    const user = accounts.user(key.user);
    if (!user.active) return null;
    accounts.usedKey(key, now());
    return { user, name: user.username, rights: narrowed(accounts.rights(user), new Set(key.rights)), via: 'api-key' };
  }

  /** Who brings nothing: null, unless the server has a role for them. */
  anonymous(): Holder | null {
    const { accounts, anonymousRole } = this.parts;
    if (anonymousRole === '') return null;
    return { user: null, name: 'anonymous', rights: accounts.rights(this.nobody), via: 'nothing' };
  }

  /** A new key of a user, told once. Throws `FORBIDDEN` for rights that its maker hasn't got. */
  async makeKey(
    maker: Holder,
    user: User,
    name: string,
    rights: readonly Right[],
    expiresAt: number | null,
  ): Promise<[ApiKey, string]> {
    const lacking = rights.find((right) => !mayAnywhere(maker.rights, right));
    if (lacking !== undefined) throw new ApiError(403, 'FORBIDDEN', `a key can't have '${lacking}', which its maker hasn't got`);
    const text = KEY_MARK + randomBytes(32).toString('base64url');
    const id = `key_${randomBytes(8).toString('hex')}`;
    const times = { createdAt: this.parts.now(), expiresAt, lastUsedAt: null };
    const key: ApiKey = { id, user: user.id, name, hash: sha256(text), rights, ...times };
    await this.parts.accounts.addKey(key);
    return [key, text];
  }

  private async session(user: User, id: string): Promise<LoggedIn> {
    const { accounts, tokens, refreshTtl, now } = this.parts;
    const refreshToken = `gkr_${id}_${randomBytes(32).toString('base64url')}`;
    const session = { id, user: user.id, refreshHash: sha256(refreshToken), expiresAt: now() + refreshTtl };
    await accounts.putSession(session, now());
    return { ...(await tokens.make(user.id, id)), refreshToken, user };
  }
}

function mayAnywhere(rights: Rights, right: Right): boolean {
  return allows(rights, right) || [...rights.grants.values()].some((granted) => granted.has(right));
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
