import type { Policy } from '../../../ports/policy-reader.js';
import type { PushStreamLimits } from '../../../domain/git/wire/push-request.js';

/** How large a push may be, and how long it may take. */
export interface PushLimits extends PushStreamLimits {
  /** Milliseconds for one push, from the command to the report. */
  readonly timeout: number;
  /** Milliseconds that git may take from the verdict to its proc-receive hook: the commit lock is held meanwhile. */
  readonly handover: number;
}

/** The limits of a Stargate: 2 GiB, a million objects, ten minutes. */
export const PUSH_LIMITS: PushLimits = {
  maxObjects: 1_000_000,
  maxCommands: 1000,
  maxCommandBytes: 8 * 1024 * 1024,
  maxBytes: 2 * 1024 ** 3,
  timeout: 600_000,
  handover: 10_000,
};

/** The bounds under a policy: a push may bring the largest value that any namespace takes, with what Git needs around it. */
export function pushLimits(policy: Policy): PushLimits {
  const largest = Math.max(0, ...[...policy.namespaces.values()].map(({ maxValueTotal }) => maxValueTotal));
  const maxBytes = Math.max(PUSH_LIMITS.maxBytes, Math.ceil(largest * 1.05) + 64 * 1024 ** 2);
  return {
    ...PUSH_LIMITS,
    maxObjects: policy.maxPushObjects,
    maxBytes,
    timeout: Math.ceil((PUSH_LIMITS.timeout * maxBytes) / PUSH_LIMITS.maxBytes),
  };
}
