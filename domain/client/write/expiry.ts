const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** The formats' times have four-digit years. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

export type Expiry = { readonly expiresAt: number | undefined } | { readonly fault: string };

/** Milliseconds of `30d`, `12h`, `90s`, `500ms`; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,15})(ms|s|m|h|d|w)$/.exec(text.trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNITS[match[2] as string] as number);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Milliseconds since the epoch of an ISO 8601 time with its zone, or of a date (its start, UTC); undefined when it is neither. */
export function parseTime(text: string): number | undefined {
  const ms = ISO.test(text) ? Date.parse(text) : Number.NaN;
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
