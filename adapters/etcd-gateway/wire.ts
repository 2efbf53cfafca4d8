import { KvError } from '../../ports/index.js';

/** Keys and values as the gateway takes them: base64 of their UTF-8. */
export const encodeText = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** Text that the gateway has given; what it leaves out is empty. */
export const decodeText = (base64: unknown): string =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('utf8') : '';

/** A 64-bit number that is counted with: a revision, seconds. The gateway writes it as a string, and leaves 0 out. Throws `IO_ERROR`. */
export function decodeCount(given: unknown, what: string): number {
  if (given === undefined) return 0;
  const count = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given;
  if (Number.isSafeInteger(count)) return count as number;
  throw new KvError('IO_ERROR', `etcd gave a ${what} that is no number to count with`, {
    hint: 'look at what answers at that address: is it etcd?',
  });
}

/** The id of a lease: a 64-bit number that nobody counts with, so it stays the string that it comes as. 0 is none. Throws `IO_ERROR`. */
export function decodeId(given: unknown): string {
  if (given === undefined) return '0';
  if (typeof given === 'string' && /^-?\d{1,20}$/.test(given)) return given;
  throw new KvError('IO_ERROR', 'etcd gave a lease without an id', { hint: 'look at what answers at that address: is it etcd?' });
}

/** A value of JSON as an object whose fields may be anything; one without fields when it is none. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
