import type { Advice } from '../../../ports/advice.js';
import type { ErrorCode } from '../../../ports/error.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { type Emit, type Fault, faultOf } from '../../verify/fault.js';

/** Where something was found; what is not known is absent. */
export interface FindingPlace {
  readonly epoch?: string;
  readonly ref?: RefName;
  readonly commit?: Oid;
  readonly key?: string;
  /** The object itself, where it is damaged or missing. */
  readonly object?: Oid;
}

/** A fault as the report has it. */
export interface Finding extends FindingPlace {
  readonly code: ErrorCode;
  readonly what: string;
}

/** What may not be pushed, found in a clone, is a ledger that is not what it attests: nothing is judged by a policy there. */
const AS_FOUND: Partial<Record<ErrorCode, ErrorCode>> = {
  REF_FORBIDDEN: 'ATTESTATION_MISMATCH',
  POLICY_VIOLATION: 'ATTESTATION_MISMATCH',
};

/** What could not be checked here, or is worth knowing and no fault; with advice, when something can be done about it. */
export interface Note {
  readonly text: string;
  readonly advice?: Advice;
}

/** `%d` stands for how often it applied; of two, `one` says it of a single time. */
type NoteWords = string | { readonly one: string; readonly many: string };

/** What is more is not looked for: who forged a ledger can put any number of faults in it. */
export const MOST_FAULTS = 10_000;

/** So many faults were found that the verification ends. */
export class EnoughFaults extends Error {}

/** Collects faults, all of them, and notes: what could not be checked here, or is worth knowing and no fault. */
export class Findings {
  readonly faults: Finding[] = [];
  private readonly counted = new Map<string, { readonly times: number; readonly words: NoteWords; readonly advice?: Advice }>();
  private readonly reported = new Set<string>();

  /** The sink for the faults of rules. */
  readonly emit: Emit = ({ code, message, subject }: Fault): void => {
    const { path: _path, chunk: _chunk, ...place } = subject; // the message names them
    this.fault(message, place, AS_FOUND[code] ?? code);
  };

  /** Keeps a fault of the walk itself. */
  fault(what: string, place: FindingPlace = {}, code: ErrorCode = 'ATTESTATION_MISMATCH'): void {
    const finding = { code, what, ...place };
    const identity = JSON.stringify(finding);
    if (this.reported.has(identity)) return; // two refs lead to it, most likely
    this.reported.add(identity);
    this.faults.push(finding);
    if (this.faults.length >= MOST_FAULTS) throw new EnoughFaults();
  }

  /** Keeps what was thrown as a fault; what is no KvError goes on. */
  thrown(error: unknown, place: FindingPlace = {}): void {
    this.emit(faultOf(error, place));
  }

  /** A note that is told once, with how often it applied. */
  note(words: NoteWords, times = 1, advice?: Advice): void {
    const key = typeof words === 'string' ? words : words.many;
    const before = this.counted.get(key)?.times ?? 0;
    this.counted.set(key, { times: before + times, words, ...(advice === undefined ? {} : { advice }) });
  }

  /** The notes, in the order in which they were first told. */
  get notes(): Note[] {
    return [...this.counted.values()].map(({ times, words, ...advice }) => {
      const text = typeof words === 'string' ? words : times === 1 ? words.one : words.many;
      return { text: text.replace('%d', String(times)), ...advice };
    });
  }
}
