import type { MirrorStatus } from '../../../domain/admin/status.js';
import type { MirrorObserver } from '../../../domain/gateway/mirror/context.js';
import type { WorkerStatus } from '../../../domain/gateway/mirror/worker.js';
import { toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import { unwrap } from '../../../ports/unwrap.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';

/** Turns what the mirror worker tells into metrics and log lines. */
export function observeMirror(metrics: Metrics, log: Log): MirrorObserver {
  return {
    enqueued(backlog) {
      metrics.mirrorEnqueued();
      metrics.mirrorBacklog(backlog);
    },
    succeeded({ transactions, backlog, lagMs, tookMs }) {
      metrics.mirrorSucceeded(tookMs);
      metrics.mirrorLag(lagMs);
      metrics.mirrorBacklog(backlog);
      log.info('mirror.pushed', { transactions, backlog, lag_ms: lagMs, ms: tookMs });
    },
    failed(error, backlog, retryInMs) {
      metrics.mirrorFailed();
      metrics.mirrorBacklog(backlog);
      log.warn('mirror.failed', { code: error.code, message: error.message, backlog, retry_ms: retryInMs });
    },
    refused: (count) => metrics.mirrorRefused(count),
    restored: (refs) => log.info('mirror.restored', { refs }),
  };
}

/** The mirror as `status` shows it. A target without a breaker is always closed. */
export async function describeMirror(target: MirrorTarget, worker: WorkerStatus | null, store: GitStore): Promise<MirrorStatus> {
  const watermark: Record<string, string> = {};
  for (const [ref, oid] of await store.refs(['refs/kv-mirror/'])) watermark[ref.slice('refs/kv-mirror/'.length)] = oid;
  const failed = worker?.lastError ?? null;
  const refused = [...(worker?.refused ?? [])].map(([ns, { code, message }]) => [ns || 'refs/kv-policy', `${code}: ${message}`]);
  return {
    label: target.label,
    breaker: unwrap(target, 'breaker')?.state ?? 'closed',
    backlog: worker?.backlog ?? 0,
    missing: worker?.missing ?? 0,
    last_success: worker?.lastSuccess ?? null,
    last_error: failed === null ? null : `${failed.at} ${failed.code}: ${failed.message}`,
    refused: Object.fromEntries(refused) as Record<string, string>,
    ahead: Object.fromEntries(worker?.behind ?? []),
    watermark,
  };
}

/** Asks the mirror whether it is there, at most once in `freshMs`; gives what is wrong, or null. */
export function mirrorProbe(target: MirrorTarget, now: () => number, freshMs = 10_000): () => Promise<string | null> {
  let asked = Number.NEGATIVE_INFINITY;
  let answer: Promise<string | null> = Promise.resolve(null);
  return () => {
    if (now() - asked >= freshMs) {
      asked = now();
      answer = target.refs(['refs/kv-mirror/*']).then(
        () => null,
        (error: unknown) => toKvError(error).message,
      );
    }
    return answer;
  };
}
