import type { Metrics } from '../metrics.js';
import type { Housekeeping } from '../repository/housekeeping.js';
import type { ExecSession, ServeExec } from '../exec-session.js';
import type { PushLimits } from '../../../domain/gateway/limits/push-limits.js';
import { logAccepted, logRefused } from './push-line.js';
import type { PushOutcome, ReceivePackOptions } from './push-options.js';
import { serveReceivePack } from './receive-pack.js';

interface LeaderPushOptions extends Omit<ReceivePackOptions, 'limits' | 'onOutcome'> {
  /** Asked for each push: the policy in force may have changed. */
  readonly limits: () => PushLimits;
  readonly housekeeping: Housekeeping;
  readonly metrics: Metrics;
}

/** Serves the pushes to a leader: counts and logs what becomes of them, and lets housekeeping go between them. */
export function leaderPushes(options: LeaderPushOptions): ServeExec {
  const { housekeeping, metrics, limits, log } = options;
  // All pushes share one server side, which therefore knows whether another push is at hand.
  const receive = serveReceivePack({
    ...options,
    get limits() {
      return limits();
    },
    onOutcome(outcome: PushOutcome, session: ExecSession) {
      if (outcome.kind === 'rejected') {
        metrics.rejected(outcome.error.code);
        logRefused(log, session, outcome.error, outcome.facts);
        return;
      }
      metrics.accepted(outcome.facts.gatewayMs);
      logAccepted(log, session, outcome.facts);
    },
  });
  return (session) => housekeeping.during(() => receive(session));
}
