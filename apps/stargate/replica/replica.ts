import { Creations } from '../../../domain/gateway/creation/creations.js';
import { decodeCreationMessage, encodeCreation } from '../../../domain/gateway/creation/wire.js';
import { openProfile, type Profile } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { PeerTransport } from '../../../ports/stargate/peer-transport.js';
import type { PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { Mount } from '../../http/mount.js';
import { showEndpoint } from '../endpoints.js';
import type { Log } from '../log/log.js';
import { ownEnv } from '../process/environment.js';
import type { UndoStack } from '../process/undo.js';
import type { Catalogue } from '../root/catalogue.js';
import { repeatedly } from '../root/repeatedly.js';
import { policyFor } from '../root/template.js';
import type { ApiAccess } from './api-access.js';
import { openCreationFiles } from './creation-files.js';
import { loopbackKey } from './peer-key.js';
import { ReplicaPeers, TOPIC } from './replica-peers.js';
import { replicaHealthMount, reposMount } from './repos-mount.js';
import { isLoopback, type ReplicaSettings } from './settings.js';

interface ReplicaOptions {
  readonly settings: ReplicaSettings;
  /** The root as it was named when the server was started: paths are told by it. */
  readonly shownRoot: string;
  readonly catalogue: Catalogue;
  readonly reader: PolicyReader;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly access: ApiAccess;
  /** Called when there is another repository. */
  readonly taken: () => Promise<void>;
  readonly log: Log;
}

/** The replication API of one server. */
export interface Replica {
  readonly mounts: readonly Mount[];
  /** Begins to look for the others, and for what was created while this one was away. Once requests can be answered. */
  begin(): void;
}

/** How often the others are asked, ms. */
const TICK_MS = 2000;

/** Opens the replication API: takes up what was kept, and takes requests of the others. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function openReplica(running: Pick<UndoStack, 'push'>, options: ReplicaOptions): Promise<Replica> {
  const { settings, shownRoot, catalogue, reader, clock, randomness, access, taken, log } = options;
  const transport = settings.peers.length === 0 ? null : await openTransport(running, options);
  const peers = new ReplicaPeers(settings.self, transport, settings.peers, settings.identity !== undefined, log);
  const creations = new Creations({
    ...{ self: settings.self, store: await openCreationFiles(catalogue, reader), peers, clock, randomness },
    observer: {
      learned({ repository }, from) {
        log.info('replica.learned', { repository, from });
        void taken();
      },
      diverged: (repository, from) =>
        log.error('replica.diverged', { repository, from, effect: 'neither is touched: remove or rename one of the two' }),
      failed: onceAMinute((what, message) => log.warn('replica.failed', { what, message })),
    },
  });
  await creations.start();
  await transport?.serve(async ({ topic, from, body }) => {
    if (topic !== TOPIC) throw new KvError('NOT_SUPPORTED', `this server is asked for '${topic}', which it doesn't know`);
    const message = decodeCreationMessage(body);
    if (message.kind === 'prepare' && message.creation.coordinator !== from)
      throw new KvError('INPUT_INVALID', `server ${from} asks in the name of ${message.creation.coordinator}`);
    const answer = await creations.answer(message);
    if (message.kind === 'commit') await taken();
    return { body: encodeCreation(answer) };
  });
  const quorum = Math.floor((peers.count + 1) / 2) + 1;
  const tick = async (): Promise<void> => {
    await peers.find();
    await creations.tick();
  };
  return {
    mounts: [
      replicaHealthMount({
        ...{ self: settings.self, peers: peers.count, headers: () => peers.headers(), now: () => clock.now() },
        healthy: () => peers.wrong.length === 0 && peers.reachable + 1 >= quorum,
      }),
      reposMount({
        access,
        list: () => catalogue.list(),
        async pathOf(name) {
          const found = await catalogue.find(name);
          return found === null ? null : `${shownRoot.replace(/\/+$/, '')}/${name.owner}/${name.name}.git`;
        },
        async create(repository) {
          const [wrong] = peers.wrong;
          if (wrong !== undefined)
            throw new KvError('IO_ERROR', wrong, {
              hint: 'correct the addresses or the names of the servers',
              details: { quorum },
            });
          if (peers.known().length + 1 < quorum) await peers.find();
          const created = await creations.create(repository, await policyFor(catalogue.root, repository, reader), 'sha1');
          log.info('repository.created', { repository, peers_confirmed: created.peersConfirmed, replicated: created.replicated });
          await taken();
          return created;
        },
      }),
    ],
    begin() {
      if (settings.peers.length === 0) return;
      void tick();
      running.push(repeatedly(tick, TICK_MS));
    },
  };
}

/** Tells of what fails again and again for the same reason once a minute. */
function onceAMinute(tell: (what: string, message: string) => void): (what: string, error: unknown) => void {
  const told = new Map<string, number>();
  return (what, error) => {
    const { message } = toKvError(error);
    const now = performance.now();
    for (const [old, at] of told) if (now - at > 60_000) told.delete(old);
    if (told.has(`${what} ${message}`)) return;
    told.set(`${what} ${message}`, now);
    tell(what, message);
  };
}

/** How the servers speak to each other. Without a key, only on this host, as the user that they all run as. */
async function openTransport(
  running: Pick<UndoStack, 'push'>,
  { settings, catalogue, log }: ReplicaOptions,
): Promise<PeerTransport> {
  const { self, peers, keyFile, identity, listenPeers, trusted } = settings;
  const local = isLoopback(listenPeers.host) && peers.every(({ hostname }) => isLoopback(hostname));
  if (keyFile === undefined && identity === undefined && !local)
    throw new KvError('CONFIG_INVALID', 'the servers are on several hosts, and have nothing to know each other by', {
      hint: 'give --peer-key-file (PEER_KEY_FILE), the same to all, or --peer-ca, --peer-cert and --peer-cert-key',
    });
  const key = keyFile ?? (identity === undefined ? await loopbackKey(process.env) : undefined);
  if (keyFile === undefined && identity === undefined)
    log.warn('replica.loopback', { key, effect: 'servers of this user on this host trust each other; no other host is let in' });
  const config = {
    ...{ self, cluster: 'replicas', servers: { [self]: `${identity === undefined ? 'http' : 'https'}://127.0.0.1:1` } },
    ...{ listen: showEndpoint(listenPeers), trusted, ...identity, ...(key === undefined ? {} : { keyFile: key }) },
  };
  const profile: Profile = {
    ...{ name: 'replica', file: 'replica', plugins: [] },
    adapters: { 'peer-transport': { use: 'peer-http', line: 1, wrap: [], config } },
  };
  const composition = await openProfile(profile, { directory: catalogue.root, env: ownEnv() });
  running.push(() => composition.close());
  return composition.get<PeerTransport>('peer-transport');
}
