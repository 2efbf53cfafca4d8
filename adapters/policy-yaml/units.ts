const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

const DURATION_UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

/** Bytes of `64KiB`, `10MB`, `123`; null when it is no size of at least one byte. */
export function parseSize(value: unknown): number | null {
  return measure(typeof value === 'number' ? String(value) : value, SIZE_UNITS);
}

/** Milliseconds of `365d`, `12h`, `30m`, `10s`, `2w`; null when it is no duration of at least a second. */
export function parseDuration(value: unknown): number | null {
  return measure(value, DURATION_UNITS);
}

function measure(value: unknown, units: Readonly<Record<string, number>>): number | null {
  const match = typeof value === 'string' ? /^(\d{1,16}) ?([A-Za-z]*)$/.exec(value) : null;
  if (match?.[1] === undefined || match[2] === undefined || !Object.hasOwn(units, match[2])) return null;
  const amount = Number(match[1]) * (units[match[2]] ?? 0);
  return Number.isSafeInteger(amount) && amount > 0 ? amount : null;
}
