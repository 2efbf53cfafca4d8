/** True when a value that came from elsewhere is a `T`. */
type Guard<T> = (value: unknown) => value is T;

/** What each field of a record must be. Fields beside them are left alone: a later version may have more. */
export type Fields<T> = { readonly [Name in keyof T]-?: Guard<T[Name]> };

/** Whether a field is text. */
export const isText: Guard<string> = (value) => typeof value === 'string';
/** Whether a field is true or false. */
export const isFlag: Guard<boolean> = (value) => typeof value === 'boolean';
/** A count, a size or a term: a number that is no fraction and not below zero. */
export const isCount: Guard<number> = (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Null, or what a guard takes. */
export const orNull =
  <T>(guard: Guard<T>): Guard<T | null> =>
  (value): value is T | null =>
    value === null || guard(value);

/** What a guard takes, or nothing at all: a field that older versions haven't got. */
export const orAbsent =
  <T>(guard: Guard<T>): Guard<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || guard(value);

/** An array of what a guard takes. */
export const listOf =
  <T>(guard: Guard<T>): Guard<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every(guard);

/** An object whose values a guard takes, whatever their names. */
export const mapOf =
  <T>(guard: Guard<T>): Guard<Readonly<Record<string, T>>> =>
  (value): value is Readonly<Record<string, T>> =>
    isObject(value) && Object.values(value).every(guard);

/** A record with these fields. */
export const recordOf =
  <T>(fields: Fields<T>): Guard<T> =>
  (value): value is T =>
    isObject(value) && misfit(fields, value) === undefined;

/** The first field that is missing or of another type; undefined when all are as they must be. */
export function misfit<T>(fields: Fields<T>, value: Readonly<Record<string, unknown>>): string | undefined {
  return Object.entries<Guard<unknown>>(fields).find(([name, guard]) => !guard(value[name]))?.[0];
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
