import type { FastifyInstance, InjectOptions } from 'fastify';
import type { ApiLog } from '../../apps/api/requests/log.js';
import { openApi, type OpenedApi } from '../../apps/api/server/serve.js';
import { readSettings } from '../../apps/api/settings.js';

/** What an answer was. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says; the test says what it must be.
  readonly body: any;
}

/** A server in the test's own process. */
export interface TestApi {
  readonly api: OpenedApi;
  readonly app: FastifyInstance;
  readonly password: string;
  /** Asks as somebody: by a token, an API key, or nobody. */
  ask(method: string, path: string, body?: unknown, options?: AskOptions): Promise<Answer>;
  login(username: string, password: string): Promise<string>;
  close(): Promise<void>;
}

/** Who asks, and with which headers. */
export interface AskOptions {
  /** The admin's unless told otherwise; null for nobody. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Opens one, with settings as the environment and a file have them, and logs the admin in. `own` is what its programs run in. */
export async function testApi(
  env: Readonly<Record<string, string>> = {},
  file?: string,
  own: NodeJS.ProcessEnv = process.env,
  log: ApiLog = () => undefined,
): Promise<TestApi> {
  let password = '';
  const settings = await readSettings({ GIT_KV_API_PASSWORD_COST: '14', GIT_KV_API_LOGINS_PER_MINUTE: '100', ...env }, file);
  const api = await openApi({ settings, env: own, log, toldPassword: (told) => (password = told) });
  const { app, closing } = api.app();
  await app.ready();
  let admin: string | null = null;
  const ask: TestApi['ask'] = async (method, path, body, { token = admin, headers = {} } = {}) => {
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
    const request: InjectOptions = { method: method as 'GET', url: path, headers: { ...authorization, ...headers } };
    const response = await app.inject(body === undefined ? request : { ...request, payload: body as object });
    const isJson =
      String(response.headers['content-type']).includes('json') && response.headers['content-encoding'] === undefined;
    return {
      status: response.statusCode,
      headers: response.headers,
      body: isJson && response.body !== '' ? response.json() : response.body,
    };
  };
  const login = async (username: string, secret: string): Promise<string> =>
    (await ask('POST', '/api/v1/auth/login', { username, password: secret }, { token: null })).body.token;
  if (password !== '') admin = await login('admin', password);
  return {
    ...{ api, app, password, ask, login },
    async close() {
      closing.abort();
      await app.close();
      await api.close();
    },
  };
}
