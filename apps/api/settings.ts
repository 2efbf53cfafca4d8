import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { readFile } from 'node:fs/promises';
import { KvError } from '../../ports/error.js';
import { parseDuration } from '../../ports/grammar/duration.js';
import { nearest } from '../../ports/grammar/nearest.js';
import { parseSize } from '../../ports/grammar/size.js';
import { isIP } from 'node:net';
import { type NamedCommand, namedCommands } from './commands/named.js';

interface Kinds {
  text: string;
  list: readonly string[];
  count: number;
  duration: number;
  size: number;
  switch: boolean;
}

interface Spec<K extends keyof Kinds = keyof Kinds> {
  /** Its place in the file. */
  readonly path: string;
  /** Its variable, after `GIT_KV_API_` or `GOVC_`. */
  readonly variable: string;
  readonly kind: K;
  readonly usual: string;
}

const spec = <K extends keyof Kinds>(kind: K, path: string, variable: string, usual = ''): Spec<K> => ({
  ...{ kind, path, variable, usual },
});

/** Every setting: where it stands in the file, how its variable ends, and what it usually is. */
export const API_SETTINGS = {
  host: spec('text', 'server.host', 'HOST', '127.0.0.1'),
  port: spec('count', 'server.port', 'PORT', '8080'),
  data: spec('text', 'server.data', 'DATA'),
  maxBody: spec('size', 'server.max_body', 'MAX_BODY', '32MiB'),
  jwtSecret: spec('text', 'auth.jwt.secret', 'JWT_SECRET'),
  jwtPreviousSecrets: spec('list', 'auth.jwt.previous_secrets', 'JWT_PREVIOUS_SECRETS'),
  jwtIssuer: spec('text', 'auth.jwt.issuer', 'JWT_ISSUER', 'git-kv-api'),
  jwtAudience: spec('text', 'auth.jwt.audience', 'JWT_AUDIENCE', 'git-kv-api'),
  jwtTtl: spec('duration', 'auth.jwt.ttl', 'JWT_TTL', '1h'),
  refreshTtl: spec('duration', 'auth.refresh_ttl', 'REFRESH_TTL', '30d'),
  passwordCost: spec('count', 'auth.password_cost', 'PASSWORD_COST', '17'),
  anonymousRole: spec('text', 'auth.anonymous_role', 'ANONYMOUS_ROLE'),
  adminPasswordFile: spec('text', 'auth.admin_password_file', 'ADMIN_PASSWORD_FILE'),
  maxRepositories: spec('count', 'pool.max_repositories', 'POOL_MAX_REPOS', '1000'),
  maxIdleTime: spec('duration', 'pool.max_idle_time', 'POOL_IDLE_TIME', '30m'),
  cleanupInterval: spec('duration', 'pool.cleanup_interval', 'POOL_CLEANUP_INTERVAL', '5m'),
  maxRepositoryMemory: spec('size', 'memory.max_repository', 'MEMORY_MAX_REPOSITORY', '256MiB'),
  maxMemory: spec('size', 'memory.max', 'MEMORY_MAX', '1GiB'),
  connections: spec('count', 'limits.connections', 'CONNECTIONS', '20000'),
  connectionsPerAddress: spec('count', 'limits.connections_per_address', 'CONNECTIONS_PER_ADDRESS', '12000'),
  requestsPerMinute: spec('count', 'limits.requests_per_minute', 'REQUESTS_PER_MINUTE', '60000'),
  loginsPerMinute: spec('count', 'limits.logins_per_minute', 'LOGINS_PER_MINUTE', '10'),
  commandsAtATime: spec('count', 'limits.commands_at_a_time', 'COMMANDS_AT_A_TIME', '2'),
  webhooksPrivate: spec('switch', 'webhooks.allow_private_addresses', 'WEBHOOKS_ALLOW_PRIVATE_ADDRESSES', 'false'),
  webhookAttempts: spec('count', 'webhooks.attempts', 'WEBHOOKS_ATTEMPTS', '6'),
  webhookBackoff: spec('duration', 'webhooks.backoff', 'WEBHOOKS_BACKOFF', '1s'),
  webhookTimeout: spec('duration', 'webhooks.timeout', 'WEBHOOKS_TIMEOUT', '10s'),
  containersProgram: spec('text', 'containers.program', 'CONTAINERS_PROGRAM', 'buildah'),
  containersNetwork: spec('switch', 'containers.network', 'CONTAINERS_NETWORK', 'false'),
  containersTimeout: spec('duration', 'containers.timeout', 'CONTAINERS_TIMEOUT', '10m'),
  containersMemory: spec('size', 'containers.memory', 'CONTAINERS_MEMORY', '2GiB'),
  ledgerClone: spec('text', 'ledger.clone', 'LEDGER_CLONE'),
  ledgerMaxAge: spec('duration', 'ledger.max_age', 'LEDGER_MAX_AGE', '1s'),
  transferFolders: spec('list', 'transfer.folders', 'TRANSFER_FOLDERS'),
  logLevel: spec('text', 'logging.level', 'LOG_LEVEL', 'INFO'),
  logFormat: spec('text', 'logging.format', 'LOG_FORMAT', 'json'),
  metrics: spec('switch', 'metrics.enabled', 'METRICS_ENABLED', 'true'),
  metricsPath: spec('text', 'metrics.path', 'METRICS_PATH', '/metrics'),
  metricsAliasPrefix: spec('text', 'metrics.alias_prefix', 'METRICS_ALIAS_PREFIX'),
  tracingExporter: spec('text', 'tracing.exporter', 'TRACING_EXPORTER', 'none'),
  tracingEndpoint: spec('text', 'tracing.endpoint', 'TRACING_ENDPOINT'),
  tracingRatio: spec('text', 'tracing.ratio', 'TRACING_RATIO', '1'),
} as const;

type Name = keyof typeof API_SETTINGS;

/** What holds for one server. Durations in milliseconds, sizes in bytes. */
export type ApiSettings = { readonly [N in Name]: Kinds[(typeof API_SETTINGS)[N]['kind']] } & {
  /** The commands that the operator has named; in the file alone. */
  readonly commands: ReadonlyMap<string, NamedCommand>;
  /** Where they were read; empty for nowhere. */
  readonly file: string;
};

/** Variables of the prefix that are no settings. */
const OTHERS = new Set(['CONFIG']);
const PREFIX = 'GIT_KV_API_';
const THEIR_PREFIX = 'GOVC_';

/** Secrets that stand in somebody's documentation. */
const EXAMPLES = ['your-secret-key', 'your-secret-key-at-least-32-bytes-long', 'change-me', 'changeme', 'secret'];

interface Said {
  readonly text: string;
  readonly where: string;
}

/**
 * What holds: the environment (`GIT_KV_API_…`, then `GOVC_…`) before the file before what is usual. Throws `CONFIG_INVALID`, naming the
 * place; `IO_ERROR` for a file that can't be read.
 */
export async function readSettings(env: NodeJS.ProcessEnv, file: string | undefined): Promise<ApiSettings> {
  const text = file === undefined ? '' : await textOf(file);
  const said = file === undefined ? new Map<string, Said>() : inFile(text, file);
  const known = new Set(Object.values(API_SETTINGS).map(({ variable }) => variable));
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX)) continue;
    const rest = name.slice(PREFIX.length);
    if (known.has(rest as never) || OTHERS.has(rest)) continue;
    const near = nearest(rest, known);
    throw new KvError('CONFIG_INVALID', `${name}: no variable is called so`, {
      ...(near === undefined ? {} : { hint: `did you mean '${PREFIX}${near}'?` }),
    });
  }
  const entries = (Object.entries(API_SETTINGS) as [Name, Spec][]).map(([name, { path, variable, kind, usual }]) => {
    const ours = env[PREFIX + variable];
    const theirs = env[THEIR_PREFIX + variable];
    const one: Said =
      (ours ?? '') !== ''
        ? { text: ours ?? '', where: PREFIX + variable }
        : (theirs ?? '') !== ''
          ? { text: theirs ?? '', where: THEIR_PREFIX + variable }
          : (said.get(path) ?? { text: usual, where: path });
    return [name, valueIn(kind, one)];
  });
  const commands = namedCommands((parseDocument(text).toJS() as { readonly commands?: unknown } | null)?.commands, file ?? '');
  const table = Object.fromEntries(entries) as Omit<ApiSettings, 'commands' | 'file'>; // every name of the table, each of its kind
  const settings: ApiSettings = { ...table, logLevel: table.logLevel.toUpperCase(), commands, file: file ?? '' };
  check(settings);
  return settings;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : (code ?? message);
    throw new KvError('CONFIG_INVALID', `cannot read '${file}': ${why}`, {
      cause,
      hint: 'correct --config, or GIT_KV_API_CONFIG',
    });
  }
}

function valueIn(kind: keyof Kinds, { text, where }: Said): Kinds[keyof Kinds] {
  const wrong = (what: string): KvError => new KvError('CONFIG_INVALID', `${where}: '${text.slice(0, 60)}' is no ${what}`);
  switch (kind) {
    case 'text':
      return text;
    case 'list':
      return text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
    case 'switch':
      if (text !== 'true' && text !== 'false') throw wrong('true or false');
      return text === 'true';
    case 'count':
      if (!/^\d{1,9}$/.test(text)) throw wrong('whole number');
      return Number(text);
    case 'duration': {
      const ms = parseDuration(text);
      if (ms === undefined || ms === 0) throw wrong('duration, such as 30m');
      return ms;
    }
    case 'size': {
      const bytes = parseSize(text);
      if (bytes === undefined) throw wrong('size, such as 32MiB');
      return bytes;
    }
  }
}

function inFile(text: string, file: string): Map<string, Said> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const line = (node: unknown): number => {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    return lines.linePos(range?.[0] ?? 0).line;
  };
  const [error] = document.errors;
  if (error !== undefined) throw new KvError('CONFIG_INVALID', `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
  const found = new Map<string, Said>();
  const paths = new Set(Object.values(API_SETTINGS).map(({ path }) => path as string));
  const walk = (node: unknown, path: string): void => {
    if (path === 'commands') return; // of its own shape: namedCommands reads it
    const where = `${file}:${line(node)}: ${path}`;
    if (isMap(node)) {
      for (const { key, value } of node.items) walk(value, path === '' ? String(key) : `${path}.${String(key)}`);
      return;
    }
    if (path === '' && node === null) return;
    if (!paths.has(path)) {
      const near = nearest(path, paths);
      throw new KvError('CONFIG_INVALID', `${where}: unknown key`, near === undefined ? {} : { hint: `did you mean '${near}'?` });
    }
    if (isSeq(node)) found.set(path, { text: node.items.map((item) => String(item)).join(','), where });
    else if (isScalar(node)) found.set(path, { text: node.source ?? String(node.value ?? ''), where });
  };
  walk(document.contents, '');
  return found;
}

function check(settings: ApiSettings): void {
  const wrong = (message: string, hint?: string): KvError =>
    new KvError('CONFIG_INVALID', message, hint === undefined ? {} : { hint });
  if (settings.port > 65_535) throw wrong(`server.port: ${settings.port} is no port`);
  for (const secret of [settings.jwtSecret, ...settings.jwtPreviousSecrets]) {
    if (secret === '') continue;
    if (Buffer.byteLength(secret) < 32 || EXAMPLES.includes(secret.toLowerCase()))
      throw wrong('auth.jwt.secret: shorter than 32 bytes, or an example', 'make one: openssl rand -base64 48');
  }
  if (settings.passwordCost < 14 || settings.passwordCost > 20) throw wrong('auth.password_cost: from 14 to 20');
  const isLoopback =
    ['localhost', '::1'].includes(settings.host) || (isIP(settings.host) === 4 && settings.host.startsWith('127.'));
  if (settings.anonymousRole !== '' && !isLoopback)
    throw wrong(
      'auth.anonymous_role: only where server.host is a loopback address',
      'let everybody log in, or listen on 127.0.0.1',
    );
  if (!LOG_LEVELS.includes(settings.logLevel)) throw wrong(`logging.level: one of ${LOG_LEVELS.join(', ')}`);
  if (!['json', 'text'].includes(settings.logFormat)) throw wrong('logging.format: json or text');
  if (!/^\/[a-z/_-]+$/.test(settings.metricsPath)) throw wrong('metrics.path: a path such as /metrics');
  if (settings.metricsAliasPrefix !== '' && !/^[a-z_][a-z0-9_]{0,40}_$/.test(settings.metricsAliasPrefix))
    throw wrong('metrics.alias_prefix: letters, digits and underscores with one at the end, such as govc_');
  if (settings.metricsAliasPrefix === 'git_kv_api_') throw wrong('metrics.alias_prefix: is what the metrics are called anyway');
  checkTracing(settings, wrong);
  if (settings.commandsAtATime < 1) throw wrong('limits.commands_at_a_time: at least 1');
  if (settings.webhookAttempts < 1) throw wrong('webhooks.attempts: at least 1');
  if (settings.maxRepositories < 1) throw wrong('pool.max_repositories: at least 1');
}

const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

function checkTracing(
  { tracingExporter: exporter, tracingEndpoint: endpoint, tracingRatio: ratio }: ApiSettings,
  wrong: (message: string, hint?: string) => KvError,
): void {
  if (!['none', 'otlp', 'otel'].includes(exporter)) throw wrong('tracing.exporter: none, otlp or otel');
  if (endpoint !== '' && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)))
    throw wrong("tracing.endpoint: the collector's address, such as http://localhost:4318");
  if (!/^(?:0|1|0?\.\d{1,9}|1\.0+)$/.test(ratio)) throw wrong('tracing.ratio: from 0 to 1');
  if (exporter === 'otlp' && Number(ratio) !== 1)
    throw wrong('tracing.ratio: the exporter otlp records all', 'name the exporter otel');
}
