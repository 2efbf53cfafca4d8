import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type FoundPlugin, openProfile } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { type Limits, USUAL_LIMITS } from '../../../ports/stargate/limits.js';
import { CONNECTIONS_PER_KEY, type PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { Tracing } from '../../../ports/tracing.js';
import { crowdBounds } from '../../http/crowd.js';
import { healthMount } from '../../http/health-mount.js';
import type { Mount } from '../../http/mount.js';
import { meetOthers } from '../cluster/peers/open-peers.js';
import { openRootServers } from './cluster/open-root.js';
import { serveRootControl } from './cluster/root-control.js';
import type { Endpoint } from '../endpoints.js';
import { namedKeys, openKeyring, shownKeys } from '../host-key/keyring.js';
import { makeHostKeys } from '../host-key/make-keys.js';
import type { Log } from '../log/log.js';
import { createMetrics } from '../metrics.js';
import { ownEnv } from '../process/environment.js';
import { undoStack } from '../process/undo.js';
import { type Creating, openCreating } from './creation/creating.js';
import type { ReplicaSettings } from './creation/settings.js';
import { watchDiskRoom } from '../repository/disk-room.js';
import { type Daemon, startListeners } from '../serving/listeners.js';
import { type ServedRepository } from '../serving/served-repository.js';
import { chooseProfile, type ProfileChoice } from '../stargate-profile.js';
import { restOf } from './at-rest.js';
import { Catalogue } from './folders/catalogue.js';
import { KeyIndex } from './key-index.js';
import { seldom } from './look-seldom.js';
import { inCluster, nameOf, openingOf } from './open-one.js';
import { OpenRepositories, type Visit } from './open-repositories.js';
import { repeatedly } from './repeatedly.js';
import { rootHealth } from './root-health.js';
import { reachBelow } from './root-reach.js';
import { SummedMetrics } from './summed-metrics.js';
import { sweepDrafts } from './folders/make-repository.js';
import { policyOfRoot } from './folders/template.js';

/** Which repositories are served, and where. */
export interface ServeRootOptions {
  readonly root: string;
  readonly listenSsh: Endpoint;
  readonly listenHttp: Endpoint;
  /** The adapters of what all repositories share. */
  readonly choice: ProfileChoice;
  /** Those of one repository, with what its own configuration says. */
  readonly choiceOf: (gitDir: string) => Promise<ProfileChoice>;
  /** So many repositories are open at a time. */
  readonly most: number;
  readonly sampleSize: number;
  /** How its servers find each other by the addresses of their APIs; absent: its profile names them, or there is one. */
  readonly replica?: ReplicaSettings | undefined;
  /** Opens what else is served over HTTP; absent: nothing. */
  readonly more?: (parts: RootParts) => Promise<readonly Mount[]>;
  readonly log: Log;
  readonly onPlugin?: (plugin: FoundPlugin) => void;
}

/** What else may be served of a root is made of. */
export interface RootParts {
  readonly catalogue: Catalogue;
  /** What creates repositories; null where there is neither a cluster nor an API. */
  readonly creating: Creating | null;
  readonly clock: Clock;
  /** Opens a repository for as long as it is used. Throws `NOT_FOUND`, `BUSY`, and what opening throws. */
  readonly visit: (name: string) => Promise<Visit<ServedRepository>>;
  readonly limits: Limits;
  readonly log: Log;
}

/** Those of signals besides the repositories'. */
const LISTENERS = 16;
/** How long a repository that nobody uses stays open, ms. */
const IDLE_MS = 60_000;
/** How often the repositories that are open are looked through, ms. */
const TIDY_EVERY_MS = 1000;
/** How often the policy files are looked at, ms. */
const LOOK_EVERY_MS = 5000;
/** How often it is looked whether more was decided of those that are closed, ms. */
const SWEEP_EVERY_MS = 60_000;
/** Whoever asks for what isn't there makes them be looked at as often as this, ms. */
const ASKED_EVERY_MS = 1000;
const KEYS_CHANGED = [['Reason', 'the host keys changed']] as const;

/** Starts a Stargate over all repositories below a folder. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function serveRoot(options: ServeRootOptions): Promise<Daemon> {
  const { log, most, sampleSize, onPlugin } = options;
  const started = Date.now();
  const root = resolve(options.root);
  const running = undoStack(log);
  const stop = async (): Promise<void> => {
    await running.undo();
    log.info('stopped');
  };
  try {
    await mkdir(join(root, '.stargate'), { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
      throw new KvError('CONFIG_INVALID', `cannot use ${root}: ${cause.code ?? cause.message}`, { cause });
    });
    await sweepDrafts(root).catch((cause: Error) => log.warn('drafts.left', { error: cause.message })); // they take room, and no more
    process.setMaxListeners(Math.max(process.getMaxListeners(), most + LISTENERS)); // each repository that is open hears SIGHUP
    await makeHostKeys(root);
    const composition = await openProfile(await chooseProfile(options.choice), { directory: root, env: ownEnv() });
    running.push(() => composition.close());
    const reader = await composition.get<PolicyReader>('policy-reader');
    const clock = await composition.get<Clock>('clock');
    const tracing = await composition.get<Tracing>('tracing');
    const metrics = createMetrics();
    metrics.spansLost(() => tracing.lost);
    const summed = new SummedMetrics(metrics);
    const own = await policyOfRoot(root, reader);
    const bounds = own?.limits ?? USUAL_LIMITS;
    const limits = { ...bounds, connectionsPerKey: own?.maxConnectionsPerKey ?? CONNECTIONS_PER_KEY };

    const catalogue = new Catalogue(root);
    const folderOf = (name: string): string => catalogue.folder(nameOf(name));
    const keyring = await openKeyring({
      ...{ gitDir: root, log, now: () => clock.now() },
      async onChange() {
        // Those that are closed are published for when they are opened.
        for (const one of repositories.open.values()) await one.republish(KEYS_CHANGED);
      },
    });
    running.push(() => keyring.close());
    const hostKeys = () => namedKeys(keyring.current);
    let review: () => void = () => undefined;
    let tellEndpoints = async (): Promise<void> => undefined;

    const open = openingOf({
      ...{ log, catalogue, summed, hostKeys, started, sampleSize, onPlugin },
      choiceOf: options.choiceOf,
      isClustered: inCluster(composition),
      cluster: () => cluster,
      opened: () => repositories.open,
      note: (name, policy) => index.note(name, policy),
      review: () => review(),
    });
    const repositories = new OpenRepositories({ open, most, idle: IDLE_MS, log });
    const index: KeyIndex = new KeyIndex({
      ...{ list: () => catalogue.list(), folderOf, reader, log },
      changed(name, { isNew, readable }) {
        if (!isNew || !readable) return repositories.owe(name); // a changed policy is to be published; of a wrong one, the published counts
        void oweUnlessAtRest(name);
      },
    });
    const oweUnlessAtRest = async (name: string): Promise<void> => {
      if ((await restOf(folderOf(name))) === null) repositories.owe(name);
    };
    const servers = await openRootServers(running, {
      ...{ composition, settings: options.replica, catalogue, log, repositories: () => repositories },
      won: () => void catalogue.list().then((names) => names.forEach((name) => void oweUnlessAtRest(name))),
    });
    const cluster = servers?.cluster ?? null;
    if (cluster !== null) running.push(() => cluster.dispatch.transport.close());
    running.push(() => repositories.close());
    await index.look();
    const look = seldom(() => index.look(), ASKED_EVERY_MS);

    metrics.role(false);
    const room = watchDiskRoom({
      ...{ host: await composition.get<RepositoryHost>('repository-host'), metrics, log, onRoom: () => void tellEndpoints() },
      policy: () => ({ minFreeSpace: own?.minFreeSpace ?? null, pushUrl: null }),
    });
    running.push(() => room.close());
    const counts = () => ({ repositories: index.size, owed: repositories.owed });
    metrics.repositories(() => ({
      known: index.size,
      open: repositories.open.size,
      led: summed.count('role'),
      owed: repositories.owed,
    }));
    const creating =
      servers === null
        ? null
        : await openCreating({
            ...{ self: servers.self, roster: servers.roster, dispatch: cluster?.dispatch ?? null, catalogue, reader, clock, log },
            ...{ randomness: await composition.get<Randomness>('randomness'), taken: () => index.look() },
            release: (name) => repositories.release(name),
          });
    if (cluster !== null && creating !== null) {
      cluster.isRemoved = (id) => creating.isRemoved(id);
      running.push(serveRootControl({ cluster, creating }));
    }
    if (cluster !== null) await meetOthers(running, cluster.dispatch, log);
    servers?.listening?.();
    const more = await options.more?.({
      ...{ catalogue, creating, clock, log, limits: bounds },
      visit: (name) => repositories.visit(name),
    });
    const listeners = await startListeners(running, {
      ...{ home: root, listenSsh: options.listenSsh, listenHttp: options.listenHttp, keyring, metrics, tracing, log },
      mounts: [
        healthMount(
          rootHealth({
            root,
            room,
            metrics,
            open: () => repositories.open,
            counts,
            standby: async () => cluster?.standby() ?? null,
          }),
        ),
        ...(more ?? []),
      ],
      crowd: () => crowdBounds(bounds),
      identify: (_type, blob) => index.identify(blob),
      reach: reachBelow({ index, look, visit: (name) => repositories.visit(name) }),
      limits: () => limits,
    });
    ({ review, tell: tellEndpoints } = listeners);
    for (const [each, ms] of [
      [() => repositories.tidy(), TIDY_EVERY_MS],
      [look, LOOK_EVERY_MS],
    ] as const)
      running.push(repeatedly(each, ms));
    creating?.begin(running);
    if (cluster !== null) {
      void cluster.sweep();
      running.push(repeatedly(() => cluster.sweep(), SWEEP_EVERY_MS));
    }
    const { ssh, http } = listeners;
    log.info('ready', {
      ...{ ssh: `${ssh.host}:${ssh.port}`, http: `${http.host}:${http.port}`, root, ...counts() },
      ...{ max_open: most, host_keys: shownKeys(hostKeys()) },
    });
    return { ssh, http, leadership: null, hostKeys: hostKeys(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
