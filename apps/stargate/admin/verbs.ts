import type { ClusterStatus } from '../../../domain/admin/cluster-status.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { ObjectExchange } from '../../../ports/git/object-exchange.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import type { Leadership } from '../leader/leadership.js';
import type { LeaderTerm } from '../leader/term.js';
import type { Log } from '../log/log.js';
import type { DiskRoom } from '../repository/disk-room.js';
import type { PolicyFile } from '../repository/policy-file.js';
import { productVersion } from '../version.js';
import { compactVerb } from './compact.js';
import { epochLabelsOf } from './epoch-label.js';
import { knowsVerb } from './knows.js';
import { describeMirror } from '../leader/mirror-view.js';
import type { AdminVerb } from './serve-admin.js';
import { statusVerb } from './status.js';
import { syncVerb } from './sync.js';
import { RecentObjects } from '../cluster/objects/recent-objects.js';
import { SmallPacks } from '../cluster/objects/small-packs.js';
import { turnNews } from './turn-news.js';
import { turnVerb } from './turn.js';

interface AdminSources {
  readonly gitDir: string;
  readonly composition: Composition;
  readonly leadership: Leadership<LeaderTerm>;
  readonly policyFile: PolicyFile;
  readonly room: DiskRoom;
  readonly hostKeys: () => readonly NamedHostKey[];
  /** When the daemon was started, milliseconds since 1970. */
  readonly started: number;
  /** Undefined where there is no cluster. */
  readonly cluster?: (() => ClusterStatus) | undefined;
  readonly log: Log;
}

/** The verbs of `git-kv-admin`. `status` answers on a standby too; what changes anything throws `NOT_LEADER` there. */
export async function adminVerbs(sources: AdminSources): Promise<readonly AdminVerb[]> {
  const { gitDir, composition, leadership, policyFile, hostKeys, room, started, cluster, log } = sources;
  const store = await composition.get<GitStore>('git-store');
  const mirror = await composition.get<MirrorTarget>('mirror-target');
  const policy = () => policyFile.current.policy;
  const status = statusVerb({
    repository: gitDir,
    version: productVersion(),
    uptime: () => Date.now() - started,
    leadership: () => leadership.state(),
    namespaces: () => policy().namespaces.keys(),
    store,
    lines: () => leadership.current?.turns.status() ?? [],
    intents: () => leadership.current?.intentsStatus() ?? { waiting: 0, streams: 0 },
    epochsOf: (ledgers) => epochLabelsOf(store, ledgers),
    policy: () => policyFile.status,
    room: () => room.look(),
    hostKeys,
    cluster,
    mirror: () => describeMirror(mirror, leadership.current?.worker.status() ?? null, store),
  });
  const compact = compactVerb({
    ...{ store, policy, log },
    bundles: await composition.get<BundleArchive>('bundle-archive'),
    upkeep: await composition.get<RepositoryUpkeep>('repository-upkeep'),
    gateway: async () => (await leadership.lead()).gateway,
    quietly: async (work) => (await leadership.lead()).quietly(work),
  });
  const sync = syncVerb({
    ...{ leadership, log, bundles: await composition.get<BundleArchive>('bundle-archive') },
    policyText: () => policyFile.current.text,
  });
  const namer = new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat);
  const exchange = await composition.get<ObjectExchange>('object-exchange');
  const reader = new RecentObjects(store);
  const news = turnNews({ exchange, small: new SmallPacks(store, namer, reader), reader });
  const turn = turnVerb({ store, policy, news, line: async () => leadership.lead() });
  return [status, compact, sync, turn, knowsVerb({ store })];
}
