import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { Accounts, type AccountsRecord, NO_ACCOUNTS } from '../../../domain/access/accounts.js';
import { openProfile } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { Hasher } from '../../../ports/hasher.js';
import { type HttpApp, httpApp, type HttpListener, listen, type ListenOptions } from '../../http/listen.js';
import { listenFault } from '../../http/listen-fault.js';
import type { Mount } from '../../http/mount.js';
import { openAudit } from '../auth/audit.js';
import { type AutomationParts, openAutomation } from '../automation/automation.js';
import { firstStart } from '../auth/first-start.js';
import { Logins } from '../auth/logins.js';
import { Passwords } from '../auth/passwords.js';
import { Tokens } from '../auth/tokens.js';
import { openTraces, tracingEnv } from '../observed/tracing.js';
import { openLedger } from '../ledger/open-ledger.js';
import { Folders } from '../pool/folders.js';
import { KeptJson } from '../pool/kept-json.js';
import { Pool } from '../pool/pool.js';
import type { ApiSettings } from '../settings.js';
import type { ApiContext } from '../requests/context.js';
import type { ApiLog } from '../requests/log.js';
import { Streams } from '../requests/streams.js';
import { lockDataFolder, makeDataFolder } from './data-folder.js';
import { apiMount } from './mount.js';
import { productVersion } from '../../product-version.js';

/** What a server is opened with. */
export interface OpenApiOptions {
  readonly settings: ApiSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly log: ApiLog;
  /** Gets the first admin's password, once, where no file is named for it. */
  readonly toldPassword: (password: string) => void;
}

/** A server that is put together. */
export interface OpenedApi {
  readonly context: ApiContext;
  /** Without a socket, for tests. */
  app(): HttpApp;
  listen(): Promise<HttpListener>;
  /** Waits until all that was acknowledged is kept. */
  close(): Promise<void>;
}

/** Puts a server together: repositories, accounts, the first admin. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function openApi({ settings, env, log, toldPassword }: OpenApiOptions): Promise<OpenedApi> {
  const { data } = settings;
  if (data !== '') await makeDataFolder(data);
  const composition = await openProfile('api', { directory: data === '' ? process.cwd() : data, env: tracingEnv(settings, env) });
  let unlock = async (): Promise<void> => undefined;
  try {
    if (data !== '') unlock = await lockDataFolder(composition, data, log);
  } catch (error) {
    await composition.close();
    throw error;
  }
  const clock = await composition.get<Clock>('clock');
  const hasher = await composition.get<Hasher>('hasher');
  const randomness = await composition.get<Randomness>('randomness');
  const traces = await openTraces(composition, settings);
  const use: AutomationParts['use'] = (id, work) => pool.use(id, work);
  const hide = [settings.adminPasswordFile, settings.file].filter((path) => path !== '').map((path) => resolve(path));
  const automation = await openAutomation({ composition, settings, clock, randomness, use, hide, log });
  const pool: Pool = await Pool.open({
    composition,
    settings,
    clock,
    hasher,
    randomness,
    watcher: automation,
    ...(traces.tracing.isOn ? { follow: traces.follow, persisting: traces.persisting } : {}),
  });

  const file = data === '' ? null : new KeptJson<AccountsRecord>(join(data, 'accounts.json'));
  const keep = async (): Promise<void> => file?.write(() => accounts.record());
  const accounts = new Accounts((await file?.read()) ?? NO_ACCOUNTS, keep);
  const passwords = new Passwords(settings.passwordCost);
  await firstStart(accounts, passwords, { file: settings.adminPasswordFile, now: clock.now(), told: toldPassword });
  const { anonymousRole } = settings;
  if (anonymousRole !== '' && !accounts.roles().has(anonymousRole))
    throw new KvError('CONFIG_INVALID', `auth.anonymous_role: there is no role '${anonymousRole}'`);

  const now = (): number => clock.now();
  const secrets = [settings.jwtSecret === '' ? await ownSecret(data) : settings.jwtSecret, ...settings.jwtPreviousSecrets];
  const tokens = new Tokens({ secrets, issuer: settings.jwtIssuer, audience: settings.jwtAudience, ttl: settings.jwtTtl, now });
  const { refreshTtl, loginsPerMinute } = settings;
  const logins = new Logins({ accounts, tokens, passwords, refreshTtl, loginsPerMinute, anonymousRole, now });
  const audit = openAudit(
    data,
    (decision) => log('DEBUG', 'decision', { ...decision }),
    ({ message }) => log('ERROR', 'the audit log cannot be written', { error: message }),
  );
  const version = productVersion();
  const warn = (what: string): void => log('WARN', 'ledger', { what });
  const ledger = openLedger({ directory: settings.ledgerClone, maxAge: settings.ledgerMaxAge, env, warn });
  const context: ApiContext = {
    settings,
    pool,
    automation,
    ledger,
    accounts,
    passwords,
    logins,
    audit,
    log,
    traces,
    streams: new Streams(),
    clock,
    hasher,
    folders: new Folders(composition, settings.transferFolders),
    version,
    startedAt: now(),
  };

  const isolation = await automation.commands.isolation();
  const open = Object.entries(isolation ?? {}).flatMap(([what, isKept]) => (isKept === true ? [] : [what]));
  if (open.length > 0) log('WARN', 'commands are not kept from all that they could be', { missing: open });

  const ending = new AbortController();
  const resumed = automation.resume(pool.folders(), ending.signal);
  const cleaning = setInterval(() => {
    pool.cleanup().catch((error: unknown) => log('ERROR', 'cleaning the pool failed', { error: String(error) }));
  }, settings.cleanupInterval);
  cleaning.unref();
  const mounts: readonly Mount[] = [apiMount(context)];
  const { connections, connectionsPerAddress } = settings;
  const options: Omit<ListenOptions, 'host' | 'port'> = {
    crowd: () => ({ connections, connectionsPerAddress, headersTimeout: 20_000 }),
    limits: {
      maxBodyBytes: settings.maxBody,
      maxHeaderBytes: 16_384,
      requestTimeout: 120_000,
      idleTimeout: 60_000,
      keepAliveTimeout: 30_000,
    },
  };
  return {
    context,
    app: () => httpApp(mounts, options),
    async listen() {
      try {
        return await listen(mounts, { host: settings.host, port: settings.port, ...options });
      } catch (cause) {
        const why = listenFault(cause as NodeJS.ErrnoException);
        throw new KvError('IO_ERROR', `cannot listen on ${settings.host}:${settings.port}: ${why}`, {
          cause,
          hint: 'name another address: server.host and server.port, or GIT_KV_API_HOST and GIT_KV_API_PORT',
        });
      }
    },
    async close() {
      clearInterval(cleaning);
      ending.abort();
      await resumed;
      await ledger?.close();
      await automation.close();
      await pool.close();
      await keep(); // when keys were last used
      await audit.close();
      await traces.tracing.close();
      await composition.close();
      await unlock();
    },
  };
}

/** The secret that tokens are signed with where none was given: made once and kept; without a folder, for this process. */
async function ownSecret(data: string): Promise<string> {
  const fresh = randomBytes(48).toString('base64url');
  if (data === '') return fresh;
  const file = new KeptJson<{ readonly jwt: string }>(join(data, 'secrets.json'));
  const kept = await file.read();
  if (kept === null) await file.write(() => ({ jwt: fresh }));
  return kept?.jwt ?? fresh;
}
