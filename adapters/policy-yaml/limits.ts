import {
  LIMIT_NAMES,
  LIMITS,
  limitKey,
  limits,
  limitText,
  type LimitName,
  type Limits,
  type LimitSpec,
} from '../../ports/stargate/limits.js';
import { meant } from '../../ports/grammar/nearest.js';
import type { Faults } from './faults.js';
import { readDuration, readSize } from './units.js';

const AT = ['stargate', 'limits'] as const;

/** `stargate.limits`: the bounds that the policy names, and the usual ones for all others. */
export function buildLimits(block: object | undefined, faults: Faults): Limits {
  const given = new Map(Object.entries(block ?? {}));
  const known = new Map(LIMIT_NAMES.map((name) => [limitKey(name), name]));
  for (const key of given.keys()) {
    if (!known.has(key)) faults.add([...AT, key], `unknown key${meant(key, [...known.keys()])}`);
  }
  return limits((name) => {
    const key = limitKey(name);
    return given.has(key) ? readLimit(name, given.get(key), (what) => faults.add([...AT, key], what)) : LIMITS[name].usual;
  });
}

function readLimit(name: LimitName, value: unknown, fault: (what: string) => void): number {
  const spec: LimitSpec = LIMITS[name];
  const read = READERS[spec.kind](value);
  if (read === null || read < spec.least || read > spec.most)
    fault(`must be ${NOUNS[spec.kind]} from ${limitText(spec, spec.least)} to ${limitText(spec, spec.most)}`);
  return read ?? spec.usual;
}

const READERS = {
  count: (value: unknown) => (Number.isInteger(value) ? (value as number) : null),
  size: readSize,
  duration: readDuration,
} as const;

const NOUNS = { count: 'a whole number', size: 'a size', duration: 'a duration' } as const;
