import { uptime } from 'node:os';

/**
 * A clock that nobody sets, ms from now on. Node's own (CLOCK_MONOTONIC) stands still while the machine sleeps; the time since boot does
 * not, but goes in steps. Whichever has gone farther counts.
 */
export function steadyClock(): () => number {
  const [monotonic, boot] = [performance.now(), uptime() * 1000];
  return () => Math.max(performance.now() - monotonic, uptime() * 1000 - boot);
}
