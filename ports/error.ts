import type { Advice } from './advice.js';
import { exhausted } from './grammar/git-words/exhausted.js';

/**
 * The one error type that crosses a port. `code` is stable and documented in docs/ERRORS.md;
 * the message says what failed and names the key, ref or file; the hint says what to do next.
 */

/** Every error code. A code is never given another meaning; `docs/ERRORS.md` has the meaning and the exit status of each. */
export const ERROR_CODES = [
  'UNEXPECTED', //            a bug of ours
  'CAS_CONFLICT', //          a tip or an expected value is not what the writer built on
  'POLICY_VIOLATION', //      the policy forbids it: prefix, size, LFS, TTL, role
  'SIGNATURE_MISSING', //     the policy wants a signed commit and this one is not
  'SIGNATURE_INVALID', //     the signature does not verify
  'SIGNER_UNKNOWN', //        it verifies, but the key is not a writer of the namespace
  'REF_FORBIDDEN', //         a ref that a client may not move in this way
  'KEY_INVALID', //           a key that is no key
  'INPUT_INVALID', //         a batch line or a file that cannot be read as what it should be
  'IO_ERROR', //              the disk, the network or another program failed
  'STORAGE_FULL', //          a disk has no room left, or less than is kept back
  'GIT_ERROR', //             git said no
  'FORMAT_UNSUPPORTED', //    a version of an on-disk format that this program does not know
  'JOURNAL_CORRUPT', //       a journal record that does not match its checksum
  'NOT_FOUND', //             no such key, namespace, commit
  'EXPIRED', //               the key's TTL has passed
  'ATTESTATION_MISMATCH', //  trailers, trees, index and ledger disagree
  'TRANSACTION_REUSED', //    a transaction's id that its epoch has already
  'NOT_LEADER', //            this Stargate does not hold the lease
  'PEER_REFUSED', //          two servers don't take each other for members of one cluster
  'MIRROR_TIMEOUT', //        the mirror did not show it in time
  'SYNC_REFUSED', //          the mirror and the Stargate differ in a way that is not repaired by itself
  'BEHIND_MIRROR', //         the mirror shows accepted writes that the Stargate has not got
  'BUSY', //                  no room for another connection, process or file just now: the same again succeeds later
  'USAGE', //                 the command line is wrong
  'CONFIG_INVALID', //        policy, profile or Git configuration is wrong
  'PLUGIN_INVALID', //        a plugin's manifest or module is wrong
  'NOT_SUPPORTED', //         this adapter cannot do it
  'INTERRUPTED', //           the user stopped it
] as const;

/** A code of the table. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error says besides its code and its message. */
export interface KvErrorFields {
  /** What to do next, as one sentence for whoever embeds the library: it names no program's commands. */
  readonly hint?: string;
  /** The same as data, for a program that has better words for it: its own commands. */
  readonly advice?: Advice;
  /** Named facts for `--json`; never a value or a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** By which name the request stands in the log of the server that refused it. */
  readonly request?: string;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('git-kv/error');

/** The one type of errors that are meant for whoever asked: a stable code, and a message that names the key, ref or file. */
export class KvError extends Error {
  /** What it is, for programs: stable, and documented in docs/ERRORS.md. */
  readonly code: ErrorCode;
  /** What to do next, as one sentence. */
  readonly hint: string | undefined;
  /** The same as data: an id and its facts. */
  readonly advice: Advice | undefined;
  /** Named facts: keys, ids, limits; never a value or a secret. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** By which name the request stands in the log of the server that refused it. */
  readonly request: string | undefined;
  readonly [BRAND] = true;

  /** Makes an error of a code, whose message names the key, ref or file. */
  constructor(code: ErrorCode, message: string, fields: KvErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'KvError';
    this.code = code;
    this.hint = fields.hint;
    this.advice = fields.advice;
    this.details = fields.details;
    this.request = fields.request;
  }

  /** The same error in other words, or with further facts. */
  with({
    message = this.message,
    details,
  }: {
    readonly message?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  }): KvError {
    const { code, hint, advice, request } = this;
    return new KvError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      ...(advice === undefined ? {} : { advice }),
      ...(request === undefined ? {} : { request }),
      details: { ...this.details, ...details },
      cause: this,
    });
  }

  /** Recognises an error across bundles, where `instanceof` would compare two copies of the class. */
  static is(value: unknown): value is KvError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }
}

/**
 * Gives any thrown value as a KvError. A system call for which there were no more descriptors or memory is `BUSY`; anything else
 * becomes `UNEXPECTED` with the original as its cause.
 */
export function toKvError(thrown: unknown): KvError {
  if (KvError.is(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const lack = exhausted(thrown);
  if (lack !== null) return new KvError('BUSY', `${lack} (${message.slice(0, 200)})`, { cause: thrown, hint: 'try again later' });
  return new KvError('UNEXPECTED', message, {
    cause: thrown,
    hint: 'this is a bug in git-kv: report it with what led to it',
    advice: { id: 'report-bug' },
  });
}
