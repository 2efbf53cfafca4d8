import type { Metrics } from '../metrics.js';
import type { Housekeeping } from '../repository/housekeeping.js';
import type { ServeExec } from '../exec-session.js';
import { type PushLimits, type PushOutcome, type ReceivePackOptions, serveReceivePack } from './receive-pack.js';

interface LeaderPushOptions extends Omit<ReceivePackOptions, 'limits' | 'onOutcome'> {
  /** Asked for each push: the policy in force may have changed. */
  readonly limits: () => PushLimits;
  readonly housekeeping: Housekeeping;
  readonly metrics: Metrics;
}

/** Serves the pushes to a leader: counts what becomes of them, and lets housekeeping go between them. */
export function leaderPushes(options: LeaderPushOptions): ServeExec {
  const { housekeeping, metrics, limits } = options;
  // All pushes share one server side, which therefore knows whether another push is at hand.
  const receive = serveReceivePack({
    ...options,
    get limits() {
      return limits();
    },
    onOutcome(outcome: PushOutcome) {
      if (outcome.kind === 'rejected') {
        metrics.rejected(outcome.error.code);
        return;
      }
      metrics.accepted(outcome.ms);
      housekeeping.accepted();
    },
  });
  return (session) => housekeeping.during(() => receive(session));
}
