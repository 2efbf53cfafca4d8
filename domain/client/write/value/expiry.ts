import { parseDuration } from '../../../../ports/grammar/duration.js';

/** The formats' times have four-digit years. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** Also with a space for the `T`, as histories show times. */
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** When a key expires, in ms since the epoch (undefined: no TTL of its own), or what is wrong with the TTL. */
type Expiry = { readonly expiresAt: number | undefined } | { readonly fault: string };

/** Milliseconds since the epoch of an ISO 8601 time with its zone, or of a date (its start, UTC); undefined when it is neither. */
export function parseTime(text: string): number | undefined {
  const ms = ISO.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Reads a TTL: a duration from `now` (ms), an ISO 8601 time with its zone (or a date, UTC), or `none` for none of one's own. */
export function readExpiry(text: string, now: number): Expiry {
  if (text === 'none') return { expiresAt: undefined };
  const duration = parseDuration(text);
  const expiresAt = duration === undefined ? parseTime(text) : now + duration;
  const shown = JSON.stringify(text);
  if (expiresAt === undefined)
    return { fault: `ttl ${shown} is neither a duration such as 30d or 12h, nor an ISO 8601 time such as 2027-01-31T00:00:00Z` };
  if (expiresAt <= now) return { fault: `ttl ${shown} lies in the past` };
  if (expiresAt > LATEST) return { fault: `ttl ${shown} lies behind the year 9999` };
  return { expiresAt };
}
