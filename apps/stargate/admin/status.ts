import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { BreakerState } from '../../../ports/mirror-target.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { AdminVerb } from './serve-admin.js';
import type { LeadershipState } from '../leader/leadership.js';
import type { PolicyStatus } from '../repository/policy-file.js';

/** The mirror, as `status` shows it. Times are ISO 8601 UTC. */
export interface MirrorReport {
  readonly label: string;
  /** The circuit breaker's: `open` while the mirror is given a rest. */
  readonly breaker: BreakerState;
  readonly backlog: number;
  /** Refs of namespaces that the mirror has lost, or has elsewhere, though nothing waits that moves them. */
  readonly missing: number;
  readonly last_success: string | null;
  readonly last_error: string | null;
  /** The namespaces that the mirror refuses, and why, while the others go on. */
  readonly refused: Readonly<Record<string, string>>;
  /** The newest ledger commit that the mirror is known to show, by namespace. */
  readonly watermark: Readonly<Record<string, string>>;
}

export interface StatusSources {
  readonly repository: string;
  readonly version: string;
  /** Milliseconds since the daemon started. */
  readonly uptime: () => number;
  readonly leadership: () => Promise<LeadershipState>;
  readonly namespaces: () => Iterable<string>;
  readonly store: GitStore;
  /** The label of the epoch that a ledger commit belongs to. */
  readonly epochOf: (ledger: Oid) => Promise<string | null>;
  readonly policy: () => PolicyStatus;
  readonly mirror: () => Promise<MirrorReport>;
}

/** `status`: who leads, where the namespaces stand, how the mirror does. */
export function statusVerb(sources: StatusSources): AdminVerb {
  return {
    name: 'status',
    role: 'any',
    async run(args) {
      if (args.length > 0) throw new KvError('USAGE', `'status' takes no arguments, and got '${args[0]?.slice(0, 60)}'`);
      const refs = await sources.store.refs(['refs/kv/']);
      const known = [...refs.keys()].map((ref) => ref.slice('refs/kv/'.length));
      const names = [...new Set([...sources.namespaces(), ...known])].sort();
      const namespaces = await Promise.all(
        names.map(async (ns) => {
          const ledger = refs.get(`refs/kv/${ns}`) ?? null;
          return { ns, epoch: ledger === null ? null : await sources.epochOf(ledger), ledger };
        }),
      );
      return {
        ...(await sources.leadership()),
        uptime_s: Math.floor(sources.uptime() / 1000),
        repository: sources.repository,
        namespaces,
        policy: sources.policy(),
        mirror: await sources.mirror(),
        version: sources.version,
      };
    },
  };
}
