import type { HealthSources } from '../../http/health-mount.js';
import type { WorkerStatus } from '../../../domain/gateway/mirror/worker.js';
import { toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { RepositoryHost } from '../../../ports/repository-host.js';
import type { LeadershipState } from '../leader/leadership.js';
import { productVersion } from '../version.js';
import type { Metrics } from '../metrics.js';

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
}

/** What a Stargate says of its health: `/healthz` of the repository and its disk, `/readyz` of leadership and mirror. */
export function stargateHealth({ repository, store, metrics, leadership, worker, lack, probe }: StargateHealth): HealthSources {
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
      const readable = await store.refs(['refs/kv-policy/']).then(
        () => [],
        (error: unknown) => [`repository: ${toKvError(error).message}`],
      );
      const full = await lack();
      const reasons = [...readable, ...(hooks ? [] : ['hooks: not in place']), ...(full === null ? [] : [`disk: ${full}`])];
      return { reasons, facts: { version: productVersion() } };
    },
    async readyz() {
      const [{ leader, holder }, unreachable, full] = await Promise.all([leadership(), probe(), lack()]);
      const mirror = worker();
      // What the mirror refuses of one namespace or branch is in `status` and the metrics: the others are served as ever.
      const stuck = mirror !== null && mirror.backlog > 0 ? mirror.hostError : null;
      metrics.ready(unreachable === null);
      const reasons = [
        ...(full === null ? [] : [`disk: ${full}`]),
        ...(leader ? [] : [`standby: the leader is ${holder ?? 'nobody'}`]),
        ...(unreachable === null ? [] : [`mirror: ${unreachable}`]),
        ...(stuck === null ? [] : [`mirror queue: ${mirror?.backlog} waiting, last ${stuck.code}: ${stuck.message}`]),
      ];
      return { reasons, facts: { leader, backlog: mirror?.backlog ?? 0 } };
    },
  };
}
