import { KvError } from '../../ports/error.js';
import { isNamespace } from '../../ports/grammar/namespace.js';
import type { Oid } from '../../ports/vocabulary.js';
import { isCount, isText, orNull } from './fields.js';
import { shownWord, type VerbFormat } from './verb.js';

/** Where somebody stands in line. */
export interface TurnArguments {
  readonly ns: string;
}

/** A turn that has come, with what to build on. It is over when its push has ended, when the caller hangs up, or after its time. */
export interface TurnReport {
  readonly ns: string;
  /** What the push is to name the turn by. */
  readonly token: string;
  /** Milliseconds until others may go on, unless the push has begun. */
  readonly lasts_ms: number;
  /** The newest ledger commit and index commit; null before the first write. */
  readonly ledger: Oid | null;
  readonly index: Oid | null;
}

/** `turn NS`: stands in line, and answers when the turn has come. */
export const TURN: VerbFormat<TurnArguments, TurnReport> = {
  name: 'turn',
  role: 'writer',
  encode: ({ ns }) => [ns],
  decode([ns = '', ...rest]) {
    if (!isNamespace(ns)) throw new KvError('USAGE', `'turn' wants a namespace, and got ${shownWord(ns)}`);
    if (rest[0] !== undefined) throw new KvError('USAGE', `'turn' does not know ${shownWord(rest[0])}`);
    return { ns };
  },
  report: { ns: isText, token: isText, lasts_ms: isCount, ledger: orNull(isText), index: orNull(isText) },
};
