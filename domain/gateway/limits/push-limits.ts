import type { PushStreamLimits } from '../../git/wire/push-request.js';
import type { GitBounds } from '../../../ports/git/git-service.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';

/** How large a push may be, and how long it may take. */
export interface PushLimits extends PushStreamLimits {
  /** Milliseconds for one push, from the command to the report. */
  readonly timeout: number;
  /** Milliseconds that git may take from the verdict to its proc-receive hook: the commit lock is held meanwhile. */
  readonly handover: number;
  /** What git may take to unpack it. */
  readonly git: GitBounds;
}

/** What one git that serves a client may take. */
export function gitBounds({ gitMemory, gitTime }: Limits): GitBounds {
  return { memory: gitMemory, time: gitTime };
}

/** Room for what Git needs around the largest value. */
const AROUND = 64 * 1024 ** 2;

/** The bounds under a policy: a push may bring the largest value that any namespace takes, and has the time for it. */
export function pushLimits({ limits, maxPushObjects, namespaces }: Policy): PushLimits {
  const largest = Math.max(0, ...[...namespaces.values()].map(({ maxValueTotal }) => maxValueTotal));
  const maxBytes = Math.max(limits.pushBytes, Math.ceil(largest * 1.05) + AROUND);
  return {
    maxObjects: maxPushObjects,
    maxCommands: limits.pushCommands,
    maxCommandBytes: limits.pushCommandBytes,
    maxBytes,
    timeout: Math.ceil((limits.pushTimeout * maxBytes) / limits.pushBytes),
    handover: limits.handoverTimeout,
    git: gitBounds(limits),
  };
}
