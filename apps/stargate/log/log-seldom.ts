import type { Log } from './log.js';

/** A log of what may happen any number of times: so many lines a second of each event, and the next one says how many were left out. */
export function seldomLog(log: Log, perSecond: number, now: () => number = Date.now): Log {
  const seen = new Map<string, { since: number; lines: number; leftOut: number }>();
  const at =
    (level: keyof Log): Log[keyof Log] =>
    (event, fields) => {
      const known = seen.get(event);
      const count =
        known === undefined || now() - known.since >= 1000 ? { since: now(), lines: 0, leftOut: known?.leftOut ?? 0 } : known;
      seen.set(event, count);
      count.lines += 1;
      if (count.lines > perSecond) {
        count.leftOut += 1;
        return;
      }
      log[level](event, count.leftOut === 0 ? fields : { ...fields, left_out: count.leftOut });
      count.leftOut = 0;
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
