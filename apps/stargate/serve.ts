import { resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { KvError } from '../../ports/error.js';
import { blamed, type FoundPlugin } from '../../plugins/host/index.js';
import { EXIT_CODES } from '../exit-codes.js';
import { parse, PLACE, required, shown } from './command-line.js';
import { type Endpoint, parseEndpoint, showEndpoint } from './endpoints.js';
import { formatLine, ndjsonLog } from './log/log.js';
import { steadySink, toStandardError } from './log/log-sink.js';
import { lastResort } from './process/last-resort.js';
import { say } from './process/terminal.js';
import { openReplicationApi } from './replica/open-api.js';
import { parsePeerUrls, parseServerId, type ReplicaSettings } from './root/creation/settings.js';
import { type RootParts, serveRoot } from './root/serving/serve-root.js';
import type { Daemon } from './serving/listeners.js';
import { serveOne } from './serving/serve-one.js';
import { type Setting, settle, type SettlingFlags } from './settings/settle.js';
import { variableOf } from './settings/table.js';
import type { ProfileChoice } from './stargate-profile.js';

const SERVE = {
  ...PLACE,
  'listen-ssh': { type: 'string' },
  'listen-http': { type: 'string' },
  'sample-size': { type: 'string' },
  root: { type: 'string' },
  'max-open': { type: 'string' },
  api: { type: 'boolean', default: false },
  'api-token-file': { type: 'string' },
  'server-id': { type: 'string' },
  peer: { type: 'string', multiple: true, default: [] },
  'listen-peers': { type: 'string' },
  'peer-key-file': { type: 'string' },
  'peer-ca': { type: 'string' },
  'peer-cert': { type: 'string' },
  'peer-cert-key': { type: 'string' },
  trusted: { type: 'string', multiple: true, default: [] },
} as const satisfies ParseArgsConfig['options'];

/** For the pushes at hand, when the daemon ends since something has gone wrong inside. */
const LAST_RESORT_MS = 10_000;
/** So many repositories of a root are open at a time, unless it is said otherwise. */
const MAX_OPEN = 32;

/** Runs `git-kv-stargate serve`; resolves with the exit code. */
export async function runServe(args: readonly string[]): Promise<number> {
  const values = parse(args, SERVE);
  if (shown('serve', values)) return 0;
  const { root } = values;
  if (root !== undefined) refuseWithRoot(values);
  else refuse(values, WITH_ROOT, '--root');
  if (!wantsApi(values)) refuse(values, WITH_API, '--api');
  const place = root === undefined ? resolve(required(values.repo, '--repo')) : null;
  const { settings, choice } = await settle(place, values);
  const sampleSize = countOf(settings['sample-size']);
  const lost = (lines: number): string => `${formatLine('error', Date.now(), 'log.lost', { lines })}\n`;
  const log = ndjsonLog(steadySink(toStandardError(), lost), Date.now);
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  // Before anything starts, so that a signal during start-up ends in a clean stop too.
  process.on('SIGTERM', interrupt).on('SIGINT', interrupt);
  const plugins = new Map<string, FoundPlugin>();
  const giveUp = (): void => process.exit(EXIT_CODES.UNEXPECTED);
  const { broken, isBroken } = lastResort(
    process,
    log,
    giveUp,
    LAST_RESORT_MS,
    (thrown) => blamed(thrown, [...plugins.values()])?.id,
  );
  void broken.then(interrupt);
  const common = {
    listenSsh: endpointOf(settings['listen-ssh']),
    listenHttp: endpointOf(settings['listen-http']),
    ...{ sampleSize, log, onPlugin: (plugin: FoundPlugin) => void plugins.set(plugin.file, plugin) },
  };
  const api = apiOf(values, root ?? '', common.listenHttp);
  const daemon =
    place === null
      ? await serveRoot({
          ...{ ...common, choice, root: required(root, '--root'), most: countOf(maxOpen(values['max-open'])) },
          ...(api === null ? {} : { replica: api.settings, more: (parts: RootParts) => openReplicationApi(parts, api) }),
          choiceOf: (gitDir) => choiceBelow(gitDir, values),
        })
      : await serveOne({ ...common, ...choice, repo: place, policyPath: settings['policy-path'].value });
  const lines = [
    `ssh   ${showEndpoint(daemon.ssh)}`,
    `http  http://${showEndpoint(daemon.http)}`,
    ...roleOf(daemon),
    ...daemon.hostKeys.map(({ fingerprint, type, state }) => `key   ${fingerprint}  ${type}${state === 'next' ? ', next' : ''}`),
  ];
  say(`${lines.join('\n')}\n`);
  await interrupted;
  await daemon.stop();
  return isBroken() ? EXIT_CODES.UNEXPECTED : 0;
}

/** What one of many repositories is served with: its own profile goes before the root's. */
async function choiceBelow(gitDir: string, values: SettlingFlags): Promise<ProfileChoice> {
  const own = await settle(gitDir, { ...values, profile: undefined }, { ...process.env, [variableOf('profile')]: undefined });
  return own.settings.profile.place.source === 'repository' ? own.choice : (await settle(gitDir, values)).choice;
}

function endpointOf({ value = '', place }: Setting): Endpoint {
  return parseEndpoint(value, place.where);
}

/** A positive number. Throws `USAGE`, `CONFIG_INVALID` where no flag says it. */
function countOf({ value, place }: Setting): number {
  const count = Number(value);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  const code = place.source === 'flag' ? 'USAGE' : 'CONFIG_INVALID';
  throw new KvError(code, `${place.where} wants a positive number, and got '${value}'`);
}

const maxOpen = (value: string | undefined): Setting => ({
  value: value ?? String(MAX_OPEN),
  place: { source: 'flag', where: '--max-open' },
});

function roleOf({ leadership }: Daemon): readonly string[] {
  if (leadership === null) return [];
  return [`role  ${leadership.leader ? 'leader' : `standby: the leader is ${leadership.holder ?? 'nobody'}`}`];
}

/** A token file and a peer ask for the replication API, too. */
const wantsApi = (values: ApiFlags): boolean =>
  values.api === true || values['api-token-file'] !== undefined || values.peer.length > 0;

/** What the flags say of the replication API; null where it is not to be served. Throws `USAGE`. */
function apiOf(values: ApiFlags, shownRoot: string, listenHttp: Endpoint): ServedApi | null {
  const tokenFile = values['api-token-file'];
  if (!wantsApi(values)) return null;
  const [ca, cert, certKey] = [values['peer-ca'], values['peer-cert'], values['peer-cert-key']];
  const given = [ca, cert, certKey].filter((file) => file !== undefined);
  if (given.length !== 0 && given.length !== 3)
    throw new KvError('USAGE', '--peer-ca, --peer-cert and --peer-cert-key go together');
  const listenPeers = values['listen-peers'];
  return {
    ...{ shownRoot, listenHttp, tokenFile: tokenFile === undefined ? undefined : resolve(tokenFile) },
    settings: {
      self: parseServerId(values['server-id'] ?? 'server-1'),
      peers: parsePeerUrls(values.peer, listenHttp),
      keyFile: values['peer-key-file'] === undefined ? undefined : resolve(values['peer-key-file']),
      listenPeers: listenPeers === undefined ? { ...listenHttp, port: 0 } : parseEndpoint(listenPeers, '--listen-peers'),
      identity:
        ca === undefined || cert === undefined || certKey === undefined
          ? undefined
          : { ca: resolve(ca), cert: resolve(cert), certKey: resolve(certKey) },
      trusted: values.trusted.flatMap((text) => text.split(',')),
    },
  };
}

type ServedApi = Parameters<typeof openReplicationApi>[1] & { readonly settings: ReplicaSettings };

interface ApiFlags {
  readonly api?: boolean | undefined;
  readonly peer: readonly string[];
  readonly trusted: readonly string[];
  readonly 'api-token-file'?: string | undefined;
  readonly 'server-id'?: string | undefined;
  readonly 'listen-peers'?: string | undefined;
  readonly 'peer-key-file'?: string | undefined;
  readonly 'peer-ca'?: string | undefined;
  readonly 'peer-cert'?: string | undefined;
  readonly 'peer-cert-key'?: string | undefined;
}

/** What says more of the replication API, and does not ask for it. */
const WITH_API = ['server-id', 'listen-peers', 'peer-key-file', 'peer-ca', 'peer-cert', 'peer-cert-key', 'trusted'] as const;
/** What only many repositories have. */
const WITH_ROOT = ['max-open', 'api', 'api-token-file', 'peer', ...WITH_API] as const;

/** Throws `USAGE` for flags that were given without the one that they go with. */
function refuse(values: Readonly<Record<string, unknown>>, flags: readonly string[], without: string): void {
  for (const flag of flags) {
    const value = values[flag];
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw new KvError('USAGE', `--${flag} goes with ${without}`, { hint: 'see git-kv-stargate help serve' });
  }
}

/** Of many repositories, each has its own policy and mirror. Throws `USAGE`. */
function refuseWithRoot(values: Readonly<Record<string, unknown>>): void {
  for (const flag of ['repo', 'policy-path', 'mirror-remote']) {
    if (values[flag] === undefined) continue;
    throw new KvError('USAGE', `--${flag} is for one repository, and --root serves all below a folder`, {
      hint:
        flag === 'repo'
          ? 'give one of the two'
          : "each has its own: see its policy file and its git config's stargate.* settings",
    });
  }
}
