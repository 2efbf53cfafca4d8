import type { FastifyRequest } from 'fastify';
import { allows } from '../../../domain/access/rights.js';
import { Buckets } from '../auth/buckets.js';
import type { Holder } from '../auth/logins.js';
import type { Access, ApiApp, ApiContext } from './context.js';
import { ApiError } from '../problems/errors.js';

/**
 * Asks of every request who sends it, and lets it through where its route is for them, before its body is read. A route that doesn't say
 * whom it is for can't be added.
 */
export function guardAccess(app: ApiApp, context: ApiContext): void {
  const { audit, clock, settings } = context;
  const requests = new Buckets(settings.requestsPerMinute, () => clock.now());
  app.decorateRequest('holder', null);
  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.access === undefined) throw new Error(`the route ${String(method)} ${url} does not say whom it is for`);
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404) return;
    const { access: wanted = 'system:admin', challenge } = request.routeOptions.config;
    const access = typeof wanted === 'function' ? wanted(request) : wanted;
    const repository = (request.params as { readonly repo?: string } | undefined)?.repo;
    const note = (holder: Holder | null, code?: string): void => {
      if (access === 'anyone') return;
      const outcome = code === undefined ? 'allowed' : 'denied';
      audit.write({
        ...{ time: new Date(clock.now()).toISOString(), request_id: request.id, principal: holder?.name ?? null },
        ...{ via: holder?.via ?? 'nothing', action: `${request.method} ${request.routeOptions.url} ${access}` },
        ...{ repository: repository?.slice(0, 200) ?? null, outcome, ...(code === undefined ? {} : { code }) },
      });
    };
    try {
      const holder = access === 'anyone' ? null : await identify(request, context, challenge);
      request.holder = holder;
      const wait = access === 'anyone' ? 0 : requests.take(holder?.user?.id ?? request.ip);
      if (wait > 0)
        throw new ApiError(429, 'RATE_LIMIT_EXCEEDED', 'too many requests', undefined, { 'Retry-After': String(wait) });
      check(holder, access, repository);
      note(holder);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      note(request.holder, error.code);
      if (error.status !== 401 || challenge === undefined) throw error;
      const asked = { 'WWW-Authenticate': `${challenge} realm="git-kv-api", charset="UTF-8"` };
      throw new ApiError(401, error.code, error.message, undefined, asked);
    }
  });
}

/** Throws `UNAUTHORIZED` for what proves nobody; null for a request that doesn't try where anybody may come. */
async function identify(
  { headers }: FastifyRequest,
  { logins }: ApiContext,
  challenge: 'Basic' | undefined,
): Promise<Holder | null> {
  const { authorization, 'x-api-key': key } = headers;
  const refused = (why: string): ApiError =>
    new ApiError(401, 'UNAUTHORIZED', why, undefined, { 'WWW-Authenticate': 'Bearer realm="git-kv-api", error="invalid_token"' });
  if (key !== undefined) {
    const holder = typeof key === 'string' && authorization === undefined ? logins.byKey(key) : null;
    if (holder === null) throw refused('the API key is not good');
    return holder;
  }
  if (authorization === undefined) return logins.anonymous();
  const basic = challenge === 'Basic' ? basicOf(authorization) : null;
  if (basic !== null) {
    const holder = (await logins.byToken(basic.password)) ?? logins.byKey(basic.password);
    if (holder === null || holder.name !== basic.username)
      throw refused('log in with your user name and, as the password, an API key or a token of yours');
    return holder;
  }
  const [, token] = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  const holder = token === undefined ? null : ((await logins.byToken(token)) ?? logins.byKey(token));
  if (holder === null) throw refused('the token is not good');
  return holder;
}

/** The user name and the password of a header; null where it has none. */
function basicOf(authorization: string): { readonly username: string; readonly password: string } | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]{1,8000}={0,2})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function check(holder: Holder | null, access: Access, repository: string | undefined): void {
  if (access === 'anyone') return;
  if (holder === null)
    throw new ApiError(401, 'UNAUTHORIZED', 'the request does not say who sends it', undefined, {
      'WWW-Authenticate': 'Bearer realm="git-kv-api"',
    });
  if (access === 'known') {
    if (holder.user === null) throw new ApiError(401, 'UNAUTHORIZED', 'log in for this');
    return;
  }
  if (access === 'known-or-anonymous') return;
  if (!allows(holder.rights, access, repository)) throw new ApiError(403, 'FORBIDDEN', `this takes the permission ${access}`);
}
