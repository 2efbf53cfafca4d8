import { ValidateBy, ValidateIf } from 'class-validator';
import { readDuration, readSize } from './units.js';

/** May be left out. An empty value (`writers:`) is no value left out: it would read as "none" or "all" by accident. */
export const MayMiss = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/** May be left out or null. */
export const MayBeNull = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined && value !== null);

const check = (name: string, validate: (value: unknown) => boolean, message: string): PropertyDecorator =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => message } });

/** A size in bytes, at least one. */
export const IsSize = (): PropertyDecorator =>
  check('isSize', (value) => readSize(value) !== null, 'must be a size such as 64KiB, 1MiB, 10MB or a number of bytes');

/** A duration of at least a second. */
export const IsDuration = (): PropertyDecorator =>
  check('isDuration', (value) => readDuration(value) !== null, 'must be a duration such as 365d, 12h, 30m, 10s or 2w');

/** YAML's true or false, and not a word for them. */
export const IsYesNo = (): PropertyDecorator => check('isYesNo', (value) => typeof value === 'boolean', 'must be true or false');

/** A list; `of` says in a complaint what it lists. */
export const IsList = (of: string): PropertyDecorator => check('isList', Array.isArray, `must be a list of ${of}`);

/** One of some words or numbers. */
export const IsOneOf = (...values: readonly (string | number)[]): PropertyDecorator =>
  check('isOneOf', (value) => values.includes(value as string), `must be ${values.join(' or ')}`);

/** A whole number within bounds, both included. */
export const IsCount = (least: number, most: number): PropertyDecorator =>
  check(
    'isCount',
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    `must be a whole number from ${least} to ${most}`,
  );

/** A mapping. */
export const IsMapping = (): PropertyDecorator =>
  check('isMapping', (value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be a mapping');
