import type { Advice } from '../../ports/advice.js';
import { type ErrorCode, KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid, RefName } from '../../ports/vocabulary.js';
import type { Bounds } from '../git/bounds.js';
import type { ObjectNamer } from '../git/object.js';
import { quoteKey } from '../ledger/value/key.js';

/** What a fault is about; what is not known, or says nothing here, is absent. */
export interface Subject {
  readonly epoch?: string;
  readonly ref?: RefName;
  readonly commit?: Oid;
  readonly key?: string;
  readonly path?: string;
  /** The digest of a chunk. */
  readonly chunk?: string;
  /** The object itself, where it is damaged or missing. */
  readonly object?: Oid;
}

/** A rule that does not hold. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly advice?: Advice;
  readonly subject: Subject;
  /** What else is worth knowing by name, such as a size and its limit. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * Where a rule tells its faults. A rule goes on after a fault as far as that makes sense: whether the first fault ends everything
 * is up to the sink, which may throw.
 */
export type Emit = (fault: Fault) => void;

/** What the rules of a namespace read with, and where their faults go. */
export interface RuleContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly ns: string;
  readonly emit: Emit;
  /** How much is taken in at a time; absent: as much as a reader does. */
  readonly bounds?: Bounds;
}

/** The sink of those who stop at the first fault: throws it as a KvError, its subject and facts as the details. */
export const throwFault: Emit = ({ code, message, hint, advice, subject, facts }) => {
  const details = { ...subject, ...facts };
  throw new KvError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(advice === undefined ? {} : { advice }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  });
};

/** A sink that says more of what its faults are about. */
export function about(emit: Emit, subject: Subject): Emit {
  return (fault) => emit({ ...fault, subject: { ...subject, ...fault.subject } });
}

/** What was thrown, as a fault. What is no KvError is a bug, and is thrown on. */
export function faultOf(error: unknown, subject: Subject = {}): Fault {
  if (!KvError.is(error)) throw error;
  const { code, message, hint, advice, details } = error;
  return {
    code,
    message,
    subject,
    ...(hint === undefined ? {} : { hint }),
    ...(advice === undefined ? {} : { advice }),
    ...(details === undefined ? {} : { facts: details }),
  };
}

/** What `read` gives; null, and a fault, when it throws a KvError. */
export function attempt<T>(emit: Emit, subject: Subject, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    emit(faultOf(error, subject));
    return null;
  }
}

/** A key whose files don't say the same, or aren't all there: `object` is then the one that isn't. */
export function wrongKey(key: string, why: string, object?: Oid): Fault {
  const subject = { key, ...(object === undefined ? {} : { object }) };
  return { code: 'ATTESTATION_MISMATCH', message: `key ${quoteKey(key)}: ${why}`, subject };
}
