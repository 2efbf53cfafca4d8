import {
  type IntentsStatus,
  type MirrorStatus,
  type PolicyStatus,
  STATUS,
  type StatusReport,
} from '../../../domain/admin/status.js';
import type { ClusterStatus } from '../../../domain/admin/cluster-status.js';
import type { LineStatus } from '../../../domain/gateway/turns/turns.js';
import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Room } from '../../../ports/git/repository-host.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { type AdminVerb, served } from './serve-admin.js';
import type { LeadershipState } from '../leader/leadership.js';

interface StatusSources {
  readonly repository: string;
  readonly version: string;
  /** Milliseconds since the daemon started. */
  readonly uptime: () => number;
  readonly leadership: () => Promise<LeadershipState>;
  readonly namespaces: () => Iterable<string>;
  readonly store: GitStore;
  /** The lines in which writers wait for their turn. */
  readonly lines: () => readonly LineStatus[];
  readonly intents: () => IntentsStatus;
  /** The labels of the epochs that ledger commits belong to. */
  readonly epochsOf: (ledgers: readonly Oid[]) => Promise<readonly (string | null)[]>;
  readonly policy: () => PolicyStatus;
  readonly hostKeys: () => readonly NamedHostKey[];
  readonly mirror: () => Promise<MirrorStatus>;
  /** Undefined where there is no cluster. */
  readonly cluster?: (() => ClusterStatus) | undefined;
  readonly room: () => Promise<Room & { readonly why: string | null }>;
}

/** `status`: who leads, where the namespaces stand, how the mirror does. */
export function statusVerb(sources: StatusSources): AdminVerb {
  return served(STATUS, async () => {
    const refs = await sources.store.refs(['refs/kv/']);
    const known = [...refs.keys()].map((ref) => ref.slice('refs/kv/'.length));
    const names = [...new Set([...sources.namespaces(), ...known])].sort();
    const ledgers = [...new Set(refs.values())];
    const labels = await sources.epochsOf(ledgers);
    const epochs = new Map(ledgers.map((ledger, at) => [ledger, labels[at] ?? null]));
    const namespaces = names.map((ns) => {
      const ledger = refs.get(`refs/kv/${ns}`) ?? null;
      return { ns, epoch: ledger === null ? null : (epochs.get(ledger) ?? null), ledger };
    });
    return {
      ...(await sources.leadership()),
      uptime_s: Math.floor(sources.uptime() / 1000),
      repository: sources.repository,
      namespaces,
      policy: sources.policy(),
      host_keys: sources.hostKeys(),
      mirror: await sources.mirror(),
      turns: sources.lines().map(({ ns, waiting, longestMs }) => ({ ns, waiting, longest_ms: longestMs })),
      intents: sources.intents(),
      ...(sources.cluster === undefined ? {} : { cluster: sources.cluster() }),
      disk: await diskStatus(sources),
      version: sources.version,
    };
  });
}

async function diskStatus({ room }: StatusSources): Promise<StatusReport['disk']> {
  const { free, size, why } = await room();
  return { free, size, full: why };
}
