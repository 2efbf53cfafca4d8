import { KvError } from '../error.js';
import type { ObjectType, Oid } from '../vocabulary.js';

/** The most that one read takes into memory, bytes. */
export interface ReadBounds {
  /** Of one object of a type. */
  readonly objects: Readonly<Record<ObjectType, number>>;
  /** Of all that one call reads. */
  readonly together: number;
}

/** Throws `POLICY_VIOLATION` when an object exceeds the bounds of a read, alone or with the `held` bytes before it. */
export function checkRead(bounds: ReadBounds, oid: Oid, type: ObjectType, size: number, held: number): void {
  const most = bounds.objects[type];
  if (size > most) throw tooLarge(`${type} ${oid} has ${size} bytes, more than the ${most} that are read of one`, oid, 'alone');
  if (held + size <= bounds.together) return;
  throw tooLarge(`what is read at a time, up to ${type} ${oid}, has more than ${bounds.together} bytes`, oid, 'together');
}

function tooLarge(message: string, object: Oid, tooLarge: 'alone' | 'together'): KvError {
  return new KvError('POLICY_VIOLATION', message, { details: { object, tooLarge } });
}
