import type { Composition } from '../../../plugins/host/index.js';
import { type ErrorCode, type KvError, toKvError } from '../../../ports/error.js';
import type { Endpoint } from '../endpoints.js';
import type { ProfileChoice } from '../stargate-profile.js';

/** What a check has found. A fault keeps the Stargate from starting, or from taking writes; a warning doesn't. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'fault';
  readonly what: string;
  readonly hint?: string | undefined;
  /** Of a fault. */
  readonly code?: ErrorCode;
}

/** What is looked at. */
export interface Subject {
  readonly gitDir: string;
  readonly choice: ProfileChoice;
  readonly policyPath: string;
  /** Where it is going to listen; undefined when that isn't told. */
  readonly listenSsh: Endpoint | undefined;
  /** Opens the profile, once. */
  readonly composition: () => Promise<Composition>;
}

/** One thing that a start needs. To add one, write it in a file of its own and name it in `checks.ts`. */
export interface Check {
  /** A word or two, at the beginning of its lines. */
  readonly name: string;
  /** Checks without which it says nothing: where one of these has found a fault, it is left out. */
  readonly needs?: readonly string[];
  /** Changes nothing, at the mirror either. What it throws is a fault. */
  run(subject: Subject): Promise<readonly Finding[]>;
}

/** A finding, by the check that made it. */
export interface Checked extends Finding {
  readonly check: string;
}

/** Nothing is wrong. */
export const ok = (what: string): Finding => ({ level: 'ok', what });
/** Something should be looked at. */
export const warning = (what: string, hint?: string): Finding => ({ level: 'warning', what, hint });
/** An error, as what keeps the Stargate from starting. */
export const fault = ({ code, message, hint }: KvError): Finding => ({ level: 'fault', what: message, hint, code });

/** Runs checks one after another and tells each finding as it comes; gives all. Never throws. */
export async function runChecks(
  checks: readonly Check[],
  subject: Subject,
  tell: (found: Checked) => unknown = () => undefined,
): Promise<readonly Checked[]> {
  const all: Checked[] = [];
  const faulty = new Set<string>();
  for (const { name, needs = [], run } of checks) {
    const blocker = needs.find((other) => faulty.has(other));
    const skipped = blocker === undefined ? null : [warning(`not looked at, because of ${blocker}`)];
    const findings = skipped ?? (await run(subject).catch((thrown: unknown) => [fault(toKvError(thrown))]));
    // What was left out tells nothing to those who need it, either.
    if (skipped !== null || findings.some(({ level }) => level === 'fault')) faulty.add(name);
    for (const finding of findings) {
      const found = { check: name, ...finding };
      all.push(found);
      tell(found);
    }
  }
  return all;
}
