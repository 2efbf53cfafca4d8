/** How long: a whole number and its unit, as flags, the configuration and the policy have it. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DURATION = /^(\d{1,15}) ?(ms|s|m|h|d|w)$/;

/** Milliseconds of `30d`, `12h`, `90s`, `500 ms`; undefined for what is no duration, or more than can be counted in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNITS[match[2] as string] as number);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** A duration, or `0` for no limit at all; undefined for neither. Milliseconds. */
export function parseTimeLimit(text: string): number | undefined {
  return text === '0' ? 0 : parseDuration(text);
}

/** Milliseconds in the largest unit up to hours that leaves no rest: `90s`, `24h`. */
export function durationText(ms: number): string {
  const unit = ['h', 'm', 's'].find((name) => ms > 0 && ms % (UNITS[name] as number) === 0) ?? 'ms';
  return `${ms / (UNITS[unit] as number)}${unit}`;
}
