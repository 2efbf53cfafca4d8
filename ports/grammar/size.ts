/** How many bytes: a whole number and its unit, decimal or binary, as flags and the policy have it. */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};
const SIZE = /^(\d{1,16}) ?([A-Za-z]*)$/;

/**
 * Bytes of `64KiB`, `10 MB`, `123`; undefined for what is no size, or more than can be counted. Units are spelt as they are here: `64k`
 * and `1mb` are refused, since people mean 1000 as well as 1024 by them.
 */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = SIZE.exec(text) ?? [];
  if (digits === undefined || !Object.hasOwn(UNITS, unit)) return undefined;
  const bytes = Number(digits) * (UNITS[unit] as number);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A number of bytes in the largest binary unit that leaves no rest: `64KiB`. */
export function sizeText(bytes: number): string {
  const unit = (['GiB', 'MiB', 'KiB'] as const).find((name) => bytes > 0 && bytes % (UNITS[name] as number) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (UNITS[unit] as number)}${unit}`;
}
