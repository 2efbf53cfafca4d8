import type { FoundPlugin } from '../../../../plugins/host/index.js';
import { namedKeys } from '../../host-key/keyring.js';
import type { Log } from '../../log/log.js';
import type { UndoStack } from '../../process/undo.js';
import type { ProfileChoice } from '../../stargate-profile.js';
import { restOf } from '../at-rest.js';
import { openRootServers, type RootServers } from '../cluster/open-root.js';
import type { RootCluster } from '../cluster/root-cluster.js';
import type { ReplicaSettings } from '../creation/settings.js';
import { KeyIndex } from '../key-index.js';
import { seldom } from '../look-seldom.js';
import { inCluster, nameOf, type OneOfRoot, openingOf } from '../open-one.js';
import { OpenRepositories } from '../open-repositories.js';
import type { RootShared } from './shared.js';

/** How long a repository that nobody uses stays open, ms. */
const IDLE_MS = 60_000;
/** Whoever asks for what isn't there makes the policy files be looked at as often as this, ms. */
const ASKED_EVERY_MS = 1000;

/** The repositories of a root: those that are open, whom they know, and the other servers that have them. */
export interface RootRepositories {
  readonly repositories: OpenRepositories<OneOfRoot>;
  readonly index: KeyIndex;
  /** Null: this server is alone, and knows of no others. */
  readonly servers: RootServers | null;
  readonly cluster: RootCluster | null;
  /** Looks at the policy files, soon. */
  readonly look: () => Promise<void>;
  /** What there is, for whoever watches. */
  readonly counts: () => { readonly repositories: number; readonly owed: number };
}

interface RepositoriesOptions {
  /** The profile of a repository, with what its own configuration says. */
  readonly choiceOf: (gitDir: string) => Promise<ProfileChoice>;
  readonly replica: ReplicaSettings | undefined;
  /** So many are open at a time. */
  readonly most: number;
  readonly sampleSize: number;
  /** When the server began, ms. */
  readonly started: number;
  readonly log: Log;
  readonly onPlugin: ((plugin: FoundPlugin) => void) | undefined;
  /** Connections are looked through: who may stay may have changed. */
  readonly review: () => void;
}

/** Finds the repositories and the other servers, and notes which have work left. Throws `CONFIG_INVALID`. */
export async function openRepositoriesOf(
  running: Pick<UndoStack, 'push'>,
  shared: RootShared,
  { choiceOf, replica, most, sampleSize, started, log, onPlugin, review }: RepositoriesOptions,
): Promise<RootRepositories> {
  const { composition, catalogue, summed, keyring, reader } = shared;
  const folderOf = (name: string): string => catalogue.folder(nameOf(name));
  const open = openingOf({
    ...{ log, catalogue, summed, started, sampleSize, onPlugin, choiceOf, review },
    hostKeys: () => namedKeys(keyring.current),
    isClustered: inCluster(composition),
    cluster: () => cluster,
    opened: () => repositories.open,
    note: (name, policy) => index.note(name, policy),
  });
  const repositories = new OpenRepositories({ open, most, idle: IDLE_MS, log });
  const oweUnlessAtRest = async (name: string): Promise<void> => {
    if ((await restOf(folderOf(name))) === null) repositories.owe(name);
  };
  const index: KeyIndex = new KeyIndex({
    ...{ list: () => catalogue.list(), folderOf, reader, log },
    changed(name, { isNew, readable }) {
      if (!isNew || !readable) return repositories.owe(name); // a changed policy is to be published; of a wrong one, the published counts
      void oweUnlessAtRest(name);
    },
  });
  const servers = await openRootServers(running, {
    ...{ composition, settings: replica, catalogue, log, repositories: () => repositories },
    won: () => void catalogue.list().then((names) => names.forEach((name) => void oweUnlessAtRest(name))),
  });
  const cluster = servers?.cluster ?? null;
  if (cluster !== null) running.push(() => cluster.dispatch.transport.close());
  running.push(() => repositories.close());
  await index.look();
  shared.metrics.repositories(() => ({
    known: index.size,
    open: repositories.open.size,
    led: summed.count('role'),
    owed: repositories.owed,
  }));
  const counts = () => ({ repositories: index.size, owed: repositories.owed });
  return { repositories, index, servers, cluster, look: seldom(() => index.look(), ASKED_EVERY_MS), counts };
}
