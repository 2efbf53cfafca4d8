import type { HealthSources } from '../../http/health-mount.js';
import type { WorkerStatus } from '../../../domain/gateway/mirror/worker.js';
import { toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { LeadershipState } from '../leader/leadership.js';
import { productVersion } from '../version.js';
import type { Metrics } from '../metrics.js';
import { sharedLook } from './shared-look.js';

interface StargateHealth {
  readonly repository: RepositoryHost;
  readonly store: GitStore;
  readonly metrics: Metrics;
  readonly leadership: () => Promise<LeadershipState>;
  /** The mirror worker's; null on a standby. */
  readonly worker: () => WorkerStatus | null;
  /** Why no push can be taken for lack of room on the disk; null while there is room. */
  readonly lack: () => Promise<string | null>;
  /** What keeps the mirror from being reached; null when nothing does. */
  readonly probe: () => Promise<string | null>;
  /** Why the policy file is not in force; null when it is. */
  readonly policyRejected: () => string | null;
}

/**
 * What a Stargate says of its health: `/healthz` of the repository and its disk, `/readyz` of whether writes are taken. A mirror that can't be reached
 * keeps nobody from writing, so it is a warning there, and a reason in `/readyz?mirror`.
 */
export function stargateHealth(sources: StargateHealth): HealthSources {
  const { repository, store, metrics, leadership, worker, lack, probe, policyRejected } = sources;
  const readable = sharedLook(() =>
    store.refs(['refs/kv-policy/']).then(
      () => [],
      (error: unknown) => [`repository: ${toKvError(error).message}`],
    ),
  );
  return {
    metrics: {
      contentType: metrics.contentType,
      async text() {
        await lack(); // what is told of the disk is as of now
        return metrics.text();
      },
    },
    async healthz() {
      // A standby leaves the hooks as the leader, which may be of another version, needs them.
      const hooks = worker() === null || (await repository.hooksInPlace());
      const full = await lack();
      const reasons = [
        ...(await readable()),
        ...(hooks ? [] : ['hooks: not in place']),
        ...(full === null ? [] : [`disk: ${full}`]),
      ];
      return { reasons, facts: { version: productVersion() } };
    },
    async readyz(parts) {
      const [{ leader, holder }, unreachable, full] = await Promise.all([leadership(), probe(), lack()]);
      const mirror = worker();
      // What the mirror refuses of one namespace or branch is in `status` and the metrics: the others are served as ever.
      const stuck = mirror !== null && mirror.backlog > 0 ? mirror.hostError : null;
      metrics.ready(unreachable === null);
      const ofMirror = [
        ...(unreachable === null ? [] : [`mirror: ${unreachable}`]),
        ...(stuck === null ? [] : [`mirror queue: ${mirror?.backlog} waiting, last ${stuck.code}: ${stuck.message}`]),
      ];
      const rejected = policyRejected();
      const policy = rejected === null ? [] : [`policy: the file is not in force: ${rejected}`];
      const disk = full === null ? [] : [`disk: ${full}`];
      const behind = [...(mirror?.behind.values() ?? [])];
      // Where a namespace can still be written to, traffic is to come; where none can, it waits for an admin.
      const refusing = behind.length > 0 && behind.length >= (await store.refs(['refs/kv/'])).size ? behind : [];
      const some = refusing.length > 0 ? [] : behind;
      const standby = leader ? [] : [`standby: the leader is ${holder ?? 'nobody'}`];
      const unwritable = [...disk, ...standby];
      return {
        reasons: [...unwritable, ...refusing, ...(parts.has('mirror') ? ofMirror : [])],
        warnings: [...policy, ...some, ...(parts.has('mirror') ? [] : ofMirror)],
        facts: { leader, backlog: mirror?.backlog ?? 0 },
      };
    },
  };
}
