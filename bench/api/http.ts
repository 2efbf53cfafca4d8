import { Registry } from 'prom-client';
import { requestMetrics } from '../../apps/http/request-metrics.js';
import { openApi } from '../../apps/api/server/serve.js';
import { readSettings } from '../../apps/api/settings.js';
import { quantile, type Sheet } from '../report.js';
import { fetched } from './fetched.js';
import { Connection, load, wire } from './load.js';
import { type BenchServer, startApi } from './server.js';

const AUTHOR = { name: 'Dev', email: 'dev@example.com' };

/** A token of the admin's. */
export async function login({ port, password }: Pick<BenchServer, 'port' | 'password'>): Promise<string> {
  const connection = await Connection.open(port);
  const { body } = await connection.ask(wire('POST', '/api/v1/auth/login', 'none', { username: 'admin', password }));
  connection.close();
  return (JSON.parse(body) as { token: string }).token;
}

/** Requests to a server process over connections that are kept. */
export async function requests(folder: string, count: number): Promise<Sheet> {
  const rows: (readonly [string, ...(string | number)[]])[] = [];
  for (const connections of [1, 32]) {
    const server = await startApi(folder);
    const token = await login(server);
    const add = async (what: string, times: number, request: Parameters<typeof load>[3]): Promise<void> => {
      const { times: all, perSecond } = await load(server.port, connections, times, request);
      const warm = all.slice(Math.floor(all.length / 4)); // before that, the engine compiles
      const row = [Math.round(quantile(warm, 0.5)), Math.round(quantile(warm, 0.99)), perSecond] as const;
      rows.push([`${what}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`, ...row]);
    };
    const at = '/api/v1/repos';
    await add('create a repository', count / 10, (i) => wire('POST', at, token, { id: `r${i}`, memory_only: true }));
    await add('add a file', count, (i) =>
      wire('POST', `${at}/r0/files`, token, { path: `d${i % 50}/f${i % 1000}`, content: `v${i}` }),
    );
    await add('commit, after adding a file', count / 2, (i, connection) => [
      wire('POST', `${at}/r${1 + connection}/files`, token, { path: 'a', content: `v${i}` }),
      wire('POST', `${at}/r${1 + connection}/commits`, token, { message: `c${i}`, author: AUTHOR }),
    ]);
    await load(server.port, 1, 1, () => wire('POST', `${at}/r0/commits`, token, { message: 'all', author: AUTHOR }));
    await add('read a file', count, (i) => wire('GET', `${at}/r0/files/d${i % 50}/f${i % 50}`, token));
    await add('version, without a login', count, () => wire('GET', '/version', ''));
    await server.stop();
  }
  return { title: 'HTTP, kept connections', columns: ['p50 µs', 'p99 µs', 'requests/s'], rows };
}

/** What of autocannon is asked of it: it counts whole milliseconds, so that times are ours, and its are the rates. */
type Autocannon = (options: object) => Promise<{ requests: { average: number }; latency: { p99: number }; non2xx: number }>;

const SECONDS = 5;

/** The rates at which another program's load is served. */
export async function rates(folder: string): Promise<Sheet> {
  const autocannon = fetched<Autocannon>('autocannon', '9.0.0');
  const rows: (readonly [string, ...(string | number)[]])[] = [];
  const server = await startApi(folder);
  try {
    const token = await login(server);
    const at = '/api/v1/repos';
    await load(server.port, 1, 1, () => wire('POST', at, token, { id: 'r', memory_only: true }));
    await load(server.port, 1, 1, () => wire('POST', `${at}/r/files`, token, { path: 'd/f', content: 'v' }));
    await load(server.port, 1, 1, () => wire('POST', `${at}/r/commits`, token, { message: 'm', author: AUTHOR }));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asked = {
      'add a file': { method: 'POST', path: `${at}/r/files`, body: JSON.stringify({ path: 'd/g', content: 'v' }) },
      'read a file': { method: 'GET', path: `${at}/r/files/d/f` },
      'version, without a login': { method: 'GET', path: '/version' },
    };
    for (const connections of autocannon === null ? [] : [1, 32]) {
      for (const [what, request] of Object.entries(asked)) {
        const url = `http://127.0.0.1:${server.port}${request.path}`;
        const found = await autocannon?.({ url, connections, duration: SECONDS, headers, ...request });
        if (found === undefined || found.non2xx > 0) throw new Error(`${what}: ${found?.non2xx} answers are none`);
        const named = `${what}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
        rows.push([named, Math.round(found.requests.average), found.latency.p99]);
      }
    }
  } finally {
    await server.stop();
  }
  return { title: 'HTTP, by autocannon', columns: ['requests/s', 'p99 ms'], rows };
}

/** What a request pays for being known and for being counted, nanoseconds. */
export async function costs(): Promise<Sheet> {
  const settings = await readSettings({ GIT_KV_API_PASSWORD_COST: '14' }, undefined);
  let password = '';
  const api = await openApi({ settings, env: process.env, log: () => undefined, toldPassword: (told) => (password = told) });
  const { logins } = api.context;
  const { token, user } = await logins.login('admin', password, 'bench');
  const holder = await logins.byToken(token);
  if (holder === null) throw new Error('the token is not good');
  const [, key] = await logins.makeKey(holder, user, 'bench', ['repo:read'], null);
  const observe = requestMetrics('bench', new Registry());
  const served = { id: 'x', method: 'GET', route: '/api/v1/repos/:repo/files/*', status: 200, ms: 0.2 };
  const timed = async (work: () => unknown, count = 200_000): Promise<number> => {
    for (let i = 0; i < count / 10; i++) await work();
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) await work();
    return Math.round((process.cpuUsage(before).user * 1000) / count);
  };
  const rows = [
    ['a token (JWT) that was seen before', await timed(() => logins.byToken(token)), '120'],
    ['an API key', await timed(() => logins.byKey(key)), '120'],
    ['metrics of a request', await timed(() => observe(served)), '247'],
  ] as const;
  await api.close();
  return { title: 'A request pays for', columns: ['ns computing', 'ns, as another says of itself'], rows };
}
