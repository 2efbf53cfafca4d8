import type { GitStore } from '../../../ports/git-store.js';
import type { MirrorTarget } from '../../../ports/mirror-target.js';
import type { Leadership } from '../leader/leadership.js';
import type { LeaderTerm } from '../leader/term.js';
import type { Log } from '../log.js';
import type { PolicyFile } from '../repository/policy-file.js';
import { productVersion } from '../version.js';
import { compactVerb } from './compact.js';
import { epochLabelOf } from './epoch-label.js';
import { describeMirror } from './mirror-view.js';
import type { AdminVerb } from './serve-admin.js';
import { statusVerb } from './status.js';

export interface AdminSources {
  readonly gitDir: string;
  readonly store: GitStore;
  readonly mirror: MirrorTarget;
  readonly leadership: Leadership<LeaderTerm>;
  readonly policyFile: PolicyFile;
  /** When the daemon was started, milliseconds since 1970. */
  readonly started: number;
  readonly log: Log;
}

/** The verbs of `git-kv-admin`. `status` answers on a standby too; what changes anything throws `NOT_LEADER` there. */
export function adminVerbs({ gitDir, store, mirror, leadership, policyFile, started, log }: AdminSources): readonly AdminVerb[] {
  const policy = () => policyFile.current.policy;
  const status = statusVerb({
    repository: gitDir,
    version: productVersion(),
    uptime: () => Date.now() - started,
    leadership: () => leadership.state(),
    namespaces: () => policy().namespaces.keys(),
    store,
    epochOf: (ledger) => epochLabelOf(store, ledger),
    policy: () => policyFile.status,
    mirror: () => describeMirror(mirror, leadership.current?.worker.status() ?? null, store),
  });
  const compact = compactVerb({
    ...{ gitDir, store, policy, log },
    gateway: async () => (await leadership.lead()).gateway,
    quietly: async (work) => (await leadership.lead()).quietly(work),
  });
  return [status, compact];
}
