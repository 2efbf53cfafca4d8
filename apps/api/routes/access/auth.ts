import { type Static, Type } from 'typebox';
import type { ApiKey, User } from '../../../../domain/access/accounts.js';
import { checkedRights } from '../../../../domain/access/accounts.js';
import type { LoggedIn } from '../../auth/logins.js';
import { answers, closed, Done, done, TextOrNull } from '../../schemas/common.js';
import { iso } from '../../schemas/repository.js';
import { type ApiApp, type ApiContext, holderOf } from '../../requests/context.js';
import { ApiError } from '../../problems/errors.js';
import { timeOf } from '../history.js';

/** A user as others see them. */
export const UserShape = Type.Object({
  ...{ id: Type.String(), username: Type.String(), email: Type.String(), roles: Type.Array(Type.String()) },
  ...{ active: Type.Boolean(), created_at: Type.String() },
});

/** Gives one; never what the password was made into. */
export function userShape({ id, username, email, roles, active, createdAt }: User): Static<typeof UserShape> {
  return { id, username, email, roles: [...roles], active, created_at: iso(createdAt) };
}

const LoginShape = Type.Object({
  token: Type.String(),
  refresh_token: Type.String(),
  expires_at: Type.String(),
  user: UserShape,
});
const KeyShape = Type.Object({
  ...{ id: Type.String(), name: Type.String(), permissions: Type.Array(Type.String()), created_at: Type.String() },
  ...{ expires_at: TextOrNull, last_used_at: TextOrNull },
});
const NewKeyShape = Type.Object({
  ...{ id: Type.String(), name: Type.String(), key: Type.String(), permissions: Type.Array(Type.String()) },
  ...{ created_at: Type.String(), expires_at: TextOrNull },
});
const WhoShape = Type.Object({ user: UserShape, permissions: Type.Array(Type.String()), via: Type.String() });

const keyShape = ({ id, name, rights, createdAt, expiresAt, lastUsedAt }: ApiKey): Static<typeof KeyShape> => ({
  ...{ id, name, permissions: [...rights], created_at: iso(createdAt) },
  ...{ expires_at: expiresAt === null ? null : iso(expiresAt), last_used_at: lastUsedAt === null ? null : iso(lastUsedAt) },
});
const loginShape = ({ token, refreshToken, expiresAt, user }: LoggedIn): Static<typeof LoginShape> => ({
  ...{ token, refresh_token: refreshToken, expires_at: iso(expiresAt), user: userShape(user) },
});

/** Logins, tokens and API keys. */
export function authRoutes(app: ApiApp, { logins, accounts, audit, clock }: ApiContext): void {
  const tags = ['authentication'];
  const Secret = Type.String({ minLength: 1, maxLength: 1024 });
  /** Logins are decided here, and not by who may come: so they are noted here. */
  const noted = async (
    id: string,
    principal: string | null,
    action: string,
    work: () => Promise<LoggedIn>,
  ): Promise<LoggedIn> => {
    const time = iso(clock.now());
    const note = { time, request_id: id, via: 'password', action, repository: null };
    try {
      const result = await work();
      audit.write({ ...note, principal: result.user.username, outcome: 'allowed' });
      return result;
    } catch (error) {
      if (error instanceof ApiError) audit.write({ ...note, principal, outcome: 'denied', code: error.code });
      throw error;
    }
  };

  const LoginBody = closed({ username: Type.String({ minLength: 1, maxLength: 200 }), password: Secret });
  app.post(
    '/auth/login',
    {
      config: { access: 'anyone' },
      bodyLimit: 8192,
      schema: { summary: 'Log in', tags, security: [], body: LoginBody, response: answers(200, LoginShape) },
    },
    async ({ id, ip, body: { username, password } }, reply) => {
      reply.header('Cache-Control', 'no-store');
      return loginShape(await noted(id, username, 'login', () => logins.login(username, password, ip)));
    },
  );
  app.post(
    '/auth/refresh',
    {
      config: { access: 'anyone' },
      bodyLimit: 8192,
      schema: {
        ...{ summary: 'Get a new token; the refresh token is good once', tags, security: [] },
        ...{ body: closed({ refresh_token: Secret }), response: answers(200, LoginShape) },
      },
    },
    async ({ id, body }, reply) => {
      reply.header('Cache-Control', 'no-store');
      return loginShape(await noted(id, null, 'refresh', () => logins.refresh(body.refresh_token)));
    },
  );
  app.post(
    '/auth/logout',
    { config: { access: 'known' }, schema: { summary: 'End this session', tags, response: answers(200, Done) } },
    async (request) => {
      const { session } = holderOf(request);
      if (session === undefined) throw new ApiError(400, 'INVALID_REQUEST', 'an API key has no session: delete it instead');
      await accounts.endSession(session);
      return done('logged out');
    },
  );
  app.get(
    '/auth/whoami',
    {
      config: { access: 'known' },
      schema: { summary: 'Who you are, and what you may do', tags, response: answers(200, WhoShape) },
    },
    async (request) => {
      const { user, rights, via } = holderOf(request);
      return { user: userShape(user as User), permissions: [...rights.everywhere], via }; // known ones have one
    },
  );

  const own = (request: Parameters<typeof holderOf>[0]): User => holderOf(request).user as User; // known ones have one
  app.get(
    '/auth/apikeys',
    {
      config: { access: 'known' },
      schema: {
        ...{ summary: 'List your API keys', tags },
        response: answers(200, Type.Object({ keys: Type.Array(KeyShape), count: Type.Integer() })),
      },
    },
    async (request) => {
      const keys = accounts.keys(own(request).id).map(keyShape);
      return { keys, count: keys.length };
    },
  );
  const KeyBody = closed({
    name: Type.String({ minLength: 1, maxLength: 200 }),
    permissions: Type.Array(Type.String({ maxLength: 50 }), { maxItems: 50 }),
    expires_at: Type.Optional(Type.String({ maxLength: 40 })),
  });
  app.post(
    '/auth/apikeys',
    {
      config: { access: 'known' },
      schema: { summary: 'Make an API key, which is shown once', tags, body: KeyBody, response: answers(201, NewKeyShape) },
    },
    async (request, reply) => {
      const { name, permissions, expires_at: until } = request.body;
      const expiresAt = until === undefined ? null : timeOf(until);
      if (expiresAt !== null && expiresAt <= clock.now())
        throw new ApiError(400, 'INVALID_REQUEST', 'expires_at is over already');
      const [made, key] = await logins.makeKey(holderOf(request), own(request), name, checkedRights(permissions), expiresAt);
      const { last_used_at: _unused, ...shape } = keyShape(made);
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...shape, key });
    },
  );
  app.delete(
    '/auth/apikeys/:key',
    {
      config: { access: 'known' },
      schema: { summary: 'Revoke an API key', tags, params: Type.Object({ key: Type.String() }), response: answers(200, Done) },
    },
    async (request) => {
      await accounts.removeKey(own(request).id, request.params.key);
      return done('the API key is revoked');
    },
  );
}
