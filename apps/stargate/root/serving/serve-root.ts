import { resolve } from 'node:path';
import type { FoundPlugin } from '../../../../plugins/host/index.js';
import type { Clock } from '../../../../ports/clock.js';
import type { RepositoryHost } from '../../../../ports/git/repository-host.js';
import type { Limits } from '../../../../ports/stargate/limits.js';
import { crowdBounds } from '../../../http/crowd.js';
import { healthMount } from '../../../http/health-mount.js';
import type { Mount } from '../../../http/mount.js';
import type { Endpoint } from '../../endpoints.js';
import { namedKeys, shownKeys } from '../../host-key/keyring.js';
import type { Log } from '../../log/log.js';
import { undoStack } from '../../process/undo.js';
import { watchDiskRoom } from '../../repository/disk-room.js';
import { type Daemon, startListeners } from '../../serving/listeners.js';
import type { ServedRepository } from '../../serving/served-repository.js';
import type { ProfileChoice } from '../../stargate-profile.js';
import type { Creating } from '../creation/creating.js';
import type { ReplicaSettings } from '../creation/settings.js';
import type { Catalogue } from '../folders/catalogue.js';
import type { Visit } from '../open-repositories.js';
import { repeatedly } from '../repeatedly.js';
import { rootHealth } from '../root-health.js';
import { reachBelow } from '../root-reach.js';
import { openCreationOf } from './creation.js';
import { openRepositoriesOf, type RootRepositories } from './repositories.js';
import { openShared } from './shared.js';

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
/** How often the repositories that are open are looked through, ms. */
const TIDY_EVERY_MS = 1000;
/** How often the policy files are looked at, ms. */
const LOOK_EVERY_MS = 5000;
/** How often it is looked whether more was decided of those that are closed, ms. */
const SWEEP_EVERY_MS = 60_000;
const KEYS_CHANGED = [['Reason', 'the host keys changed']] as const;

/** Starts a Stargate over all repositories below a folder. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function serveRoot(options: ServeRootOptions): Promise<Daemon> {
  const { log, most, choice, choiceOf, replica, sampleSize, onPlugin } = options;
  const started = Date.now();
  const root = resolve(options.root);
  const running = undoStack(log);
  const stop = async (): Promise<void> => {
    await running.undo();
    log.info('stopped');
  };
  /** What is there later, and is told before. */
  const heard: { opened: RootRepositories | null; review(): void; tell(): Promise<void> } = {
    ...{ opened: null, review: () => undefined, tell: async () => undefined },
  };
  try {
    process.setMaxListeners(Math.max(process.getMaxListeners(), most + LISTENERS)); // each repository that is open hears SIGHUP
    const shared = await openShared(running, {
      ...{ root, choice, log },
      async keysChanged() {
        // Those that are closed are published for when they are opened.
        for (const one of heard.opened?.repositories.open.values() ?? []) await one.republish(KEYS_CHANGED);
      },
    });
    const { composition, catalogue, clock, keyring, tracing, metrics, bounds, limits, minFreeSpace } = shared;
    const opened = await openRepositoriesOf(running, shared, {
      ...{ choiceOf, replica, most, sampleSize, started, log, onPlugin, review: () => heard.review() },
    });
    heard.opened = opened;
    const { repositories, index, cluster, look, counts } = opened;
    metrics.role(false);
    const room = watchDiskRoom({
      ...{ host: await composition.get<RepositoryHost>('repository-host'), metrics, log, onRoom: () => void heard.tell() },
      policy: () => ({ minFreeSpace, pushUrl: null }),
    });
    running.push(() => room.close());
    const creating = await openCreationOf(running, shared, opened, log);
    const visit = (name: string) => repositories.visit(name);
    const more = await options.more?.({ catalogue, creating, clock, log, limits: bounds, visit });
    const health = rootHealth({
      ...{ root, room, metrics, counts, open: () => repositories.open, standby: async () => cluster?.standby() ?? null },
    });
    const listeners = await startListeners(running, {
      ...{ home: root, listenSsh: options.listenSsh, listenHttp: options.listenHttp, keyring, metrics, tracing, log },
      mounts: [healthMount(health), ...(more ?? [])],
      crowd: () => crowdBounds(bounds),
      identify: (_type, blob) => index.identify(blob),
      reach: reachBelow({ index, look, visit }),
      limits: () => limits,
    });
    Object.assign(heard, { review: listeners.review, tell: listeners.tell });
    running.push(repeatedly(() => repositories.tidy(), TIDY_EVERY_MS));
    running.push(repeatedly(look, LOOK_EVERY_MS));
    creating?.begin(running);
    if (cluster !== null) {
      void cluster.sweep();
      running.push(repeatedly(() => cluster.sweep(), SWEEP_EVERY_MS));
    }
    const { ssh, http } = listeners;
    const hostKeys = namedKeys(keyring.current);
    log.info('ready', {
      ...{ ssh: `${ssh.host}:${ssh.port}`, http: `${http.host}:${http.port}`, root, ...counts() },
      ...{ max_open: most, host_keys: shownKeys(hostKeys) },
    });
    return { ssh, http, leadership: null, hostKeys, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
