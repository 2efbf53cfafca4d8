import type { Advice } from '../../../ports/advice.js';
import type { ErrorCode } from '../../../ports/error.js';
import { KvError } from '../../../ports/error.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';

/** Where something was found; what is not known is absent. */
export interface Place {
  readonly epoch?: string;
  readonly ref?: RefName;
  readonly commit?: Oid;
  readonly key?: string;
  /** The object itself, where it is damaged or missing. */
  readonly object?: Oid;
}

/** Something that is not as it must be. */
export interface Fault extends Place {
  readonly code: ErrorCode;
  readonly what: string;
}

/** What could not be checked here, or is worth knowing and no fault; with advice, when something can be done about it. */
export interface Note {
  readonly text: string;
  readonly advice?: Advice;
}

/** Collects faults, all of them, and notes: what could not be checked here, or is worth knowing and no fault. */
export class Findings {
  readonly faults: Fault[] = [];
  private readonly counted = new Map<string, { readonly times: number; readonly advice: Advice | undefined }>();
  private readonly reported = new Set<string>();

  fault(what: string, place: Place = {}, code: ErrorCode = 'ATTESTATION_MISMATCH'): void {
    const fault = { code, what, ...place };
    const identity = JSON.stringify(fault);
    if (this.reported.has(identity)) return; // two refs lead to it, most likely
    this.reported.add(identity);
    this.faults.push(fault);
  }

  /** Keeps what was thrown as a fault; what is no KvError goes on. */
  thrown(error: unknown, place: Place = {}): void {
    if (!KvError.is(error)) throw error;
    this.fault(error.message, place, error.code);
  }

  /** A note that is told once, with how often it applied. */
  note(text: string, times = 1, advice?: Advice): void {
    this.counted.set(text, { times: (this.counted.get(text)?.times ?? 0) + times, advice });
  }

  get notes(): Note[] {
    return [...this.counted].map(([text, { times, advice }]) => {
      return { text: text.replace('%d', String(times)), ...(advice === undefined ? {} : { advice }) };
    });
  }
}
