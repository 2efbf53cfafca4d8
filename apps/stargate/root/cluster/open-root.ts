import { readKept } from '../../repository/kept-file.js';
import { join } from 'node:path';
import type { Composition } from '../../../../plugins/host/index.js';
import { KvError, toKvError } from '../../../../ports/error.js';
import { parseRepositoryName } from '../../../../ports/grammar/repository-name.js';
import type { DecisionLog } from '../../../../ports/stargate/decision-log.js';
import type { LeaderLock } from '../../../../ports/stargate/leader-lock.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import { writeWay } from '../../cluster/peers/peers-way.js';
import { MetServers, metServersFile } from '../../cluster/peers/met-servers.js';
import type { Log } from '../../log/log.js';
import type { UndoStack } from '../../process/undo.js';
import { openApiTransport } from '../creation/api-transport.js';
import { knownNamesOf } from '../creation/known-names.js';
import { ReplicaPeers } from '../creation/replica-peers.js';
import { NamedServers, type Roster } from '../creation/roster.js';
import type { ReplicaSettings } from '../creation/settings.js';
import { OWN_ID } from '../../repository/own-id.js';
import { restOf } from '../at-rest.js';
import type { Catalogue } from '../folders/catalogue.js';
import { foundersOf, isJoining } from '../../repository/founders.js';
import { type Replicated, RootCluster } from './root-cluster.js';

interface OpenRootOptions {
  readonly composition: Composition;
  /** How servers find each other by the addresses of their APIs; undefined: the profile names them, or there are none. */
  readonly settings: ReplicaSettings | undefined;
  readonly catalogue: Catalogue;
  readonly repositories: ConstructorParameters<typeof RootCluster>[0]['repositories'];
  /** Called when this server begins to lead the root. */
  readonly won: () => void;
  readonly log: Log;
}

/** The servers of a root. */
export interface RootServers {
  readonly self: string;
  readonly roster: Roster;
  /** How their repositories replicate; null: this server is alone. */
  readonly cluster: RootCluster | null;
  /** To be called once the other servers can reach this one. */
  readonly listening?: () => void;
}

/**
 * The servers that a root's profile names, or that find each other by the addresses of their APIs. Null where neither is said. Throws
 * `CONFIG_INVALID`.
 */
export async function openRootServers(running: Pick<UndoStack, 'push'>, options: OpenRootOptions): Promise<RootServers | null> {
  const { composition, settings, catalogue, log } = options;
  const { root } = catalogue;
  const named = composition.profile.adapters['peer-transport'] !== undefined;
  if (named && settings !== undefined && settings.peers.length > 0)
    throw new KvError('CONFIG_INVALID', 'the profile names the servers of the cluster, and so does --peer', {
      hint: 'leave --peer (PEER_URLS) out: servers find each other by the profile',
    });
  if (named) {
    const transport = await composition.get<PeerTransport>('peer-transport');
    const cluster = await openCluster(running, options, transport, true);
    return { self: transport.self, roster: votingBy(new NamedServers(transport), cluster), cluster };
  }
  if (settings === undefined) return null;
  const { self, peers, identity } = settings;
  const opened = peers.length === 0 ? null : await openApiTransport(running, settings, root, log);
  const transport = opened?.transport ?? null;
  const noting = opened === null ? undefined : noteWay(root, opened, log);
  const roster = new ReplicaPeers(self, transport, peers, identity !== undefined, log, knownNamesOf(root), noting?.met);
  await roster.start();
  if (transport === null) return { self, roster, cluster: null };
  const cluster = await openCluster(running, options, transport, false);
  return { self, roster: votingBy(roster, cluster), cluster, listening: () => noting?.listening() };
}

/** Notes the way to the servers that are found, once this one can be reached itself: for operators, since no profile names them. */
function noteWay(
  root: string,
  { transport, way }: Awaited<ReturnType<typeof openApiTransport>>,
  log: Log,
): { met(server: string, address: string): void; listening(): void } {
  const found = new Map<string, string>();
  let noted = '';
  let writing = Promise.resolve();
  const listening = (): void => {
    if (transport.address === null) return;
    const servers = { [transport.self]: transport.address, ...Object.fromEntries(found) };
    const now = JSON.stringify(servers);
    if (now === noted) return;
    noted = now;
    writing = writing
      .then(() => writeWay(root, { ...way, servers }))
      .catch((error: unknown) => log.warn('replica.way', { message: toKvError(error).message })); // operators can't ask then
  };
  return {
    listening,
    met(server, address) {
      found.set(server, address);
      listening();
    },
  };
}

/** Where one server has the decision log, it takes part in each creation: it alone can say that nothing was decided yet. */
function votingBy(roster: Roster, cluster: RootCluster): Roster {
  roster.needed = () => cluster.ownerOf(roster.servers?.() ?? []);
  return roster;
}

async function openCluster(
  running: Pick<UndoStack, 'push'>,
  { composition, catalogue, repositories, won, log }: OpenRootOptions,
  transport: PeerTransport,
  /** All servers are known: whatever lies below the root is theirs together. */
  named: boolean,
): Promise<RootCluster> {
  const said = composition.profile.adapters['decision-log'] !== undefined;
  const decisions = said
    ? await composition.get<DecisionLog>('decision-log')
    : await composition.open<DecisionLog>('decision-log', 'decision-journal');
  if (!said) running.push(() => decisions.close());
  const folderOf = (text: string): Promise<string | null> => {
    const name = parseRepositoryName(text);
    return name === null ? Promise.resolve(null) : catalogue.find(name);
  };
  const lookUp = async (name: string): Promise<Replicated | null> => {
    const gitDir = await folderOf(name);
    const id = gitDir === null ? undefined : (await readKept(join(gitDir, OWN_ID)))?.trim();
    if (gitDir === null || id === undefined) return null;
    const founders = (await foundersOf(gitDir)) ?? (named ? transport.servers : null);
    return founders === null ? null : { id, founders, joining: await isJoining(gitDir) };
  };
  const cluster = new RootCluster({
    ...{ transport, decisions, lock: await composition.get<LeaderLock>('leader-lock'), repositories, won, lookUp, log },
    ...(named ? { met: await MetServers.open(metServersFile(catalogue.root), transport, log) } : {}),
    list: () => catalogue.list(),
    async restOf(name) {
      const gitDir = await folderOf(name);
      return gitDir === null ? null : restOf(gitDir);
    },
  });
  running.push(() => cluster.close());
  return cluster;
}
