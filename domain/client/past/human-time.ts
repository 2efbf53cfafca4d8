const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s(?:ec(?:ond)?s?)?$/, 1000],
  [/^m(?:in(?:ute)?s?)?$/, 60_000],
  [/^h(?:(?:ou)?rs?)?$/, 3_600_000],
  [/^d(?:ays?)?$/, 86_400_000],
  [/^w(?:eeks?)?$/, 604_800_000],
];
const DAY_MS = 86_400_000;

/**
 * Milliseconds since the epoch of a time as people say it, at `now` (the same): `5m ago`, `2 days ago`, `yesterday` (a day ago), `today`
 * (0:00 UTC), `now`; undefined when it is none.
 */
export function parseHumanTime(text: string, now: number): number | undefined {
  const said = text.trim().toLowerCase();
  if (said === 'now') return now;
  if (said === 'today') return now - (now % DAY_MS);
  if (said === 'yesterday') return now - DAY_MS;
  const [, count = '', unit = ''] = /^(\d{1,6})[ .]?([a-z]+)[ .]ago$/.exec(said) ?? [];
  const ms = UNITS.find(([name]) => name.test(unit))?.[1];
  return ms === undefined ? undefined : Math.max(0, now - Number(count) * ms);
}
