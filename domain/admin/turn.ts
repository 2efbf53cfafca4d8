import { KvError } from '../../ports/error.js';
import { isNamespace } from '../../ports/grammar/namespace.js';
import { isAnyOid, type Oid } from '../../ports/vocabulary.js';
import { isCount, isText, orAbsent, orNull } from './fields.js';
import { shownWord, type VerbFormat } from './verb.js';

/** The newest commits of a namespace that a clone has with all that they reach; nulls for none. */
export interface KnownTips {
  readonly ledger: Oid | null;
  readonly index: Oid | null;
}

/** Where somebody stands in line. */
export interface TurnArguments {
  readonly ns: string;
  /** What the caller has, where its push is to come over the same connection: it then gets what is new since. Absent: it pushes otherwise. */
  readonly push?: KnownTips | undefined;
}

/**
 * A turn that has come, with what to build on. It is over when its push has ended, when the caller hangs up, or after its time. Where the push
 * is to come over the same connection, a receive-pack follows on the answer.
 */
export interface TurnReport {
  readonly ns: string;
  /** What the push is to name the turn by. */
  readonly token: string;
  /** Milliseconds until others may go on, unless the push has begun. */
  readonly lasts_ms: number;
  /** The newest ledger commit and index commit; null before the first write. */
  readonly ledger: Oid | null;
  readonly index: Oid | null;
  /** How many stood in line when it came, this one not counted. Older Stargates leave this and what follows out. */
  readonly waiting?: number | undefined;
  /** How long it was waited for. Milliseconds. */
  readonly waited_ms?: number | undefined;
  /** Where the namespace's epoch ref and the published policy stand. */
  readonly epoch?: Oid | null | undefined;
  readonly policy?: Oid | null | undefined;
  /** What the ledger and the index reach and what the caller has does not, as a pack in base64; null where that is much. */
  readonly pack?: string | null | undefined;
}

const PUSH = '--push';
/** Stands for a tip that there is none of. */
const NONE = '-';

/** `turn NS [--push LEDGER INDEX]`: stands in line, and answers when the turn has come. */
export const TURN: VerbFormat<TurnArguments, TurnReport> = {
  name: 'turn',
  role: 'writer',
  encode: ({ ns, push }) => (push === undefined ? [ns] : [ns, PUSH, push.ledger ?? NONE, push.index ?? NONE]),
  decode([ns = '', ...rest]) {
    if (!isNamespace(ns)) throw new KvError('USAGE', `'turn' wants a namespace, and got ${shownWord(ns)}`);
    const [word, ...tips] = rest;
    if (word === undefined) return { ns };
    if (word !== PUSH) throw new KvError('USAGE', `'turn' does not know ${shownWord(word)}`);
    if (tips.length !== 2 || !tips.every((tip) => tip === NONE || isAnyOid(tip))) {
      throw new KvError('USAGE', `'turn ${PUSH}' wants two commits, or '${NONE}' for one that there is none of`);
    }
    const [ledger = null, index = null] = tips.map((tip) => (tip === NONE ? null : tip));
    return { ns, push: { ledger, index } };
  },
  report: {
    ...{ ns: isText, token: isText, lasts_ms: isCount, ledger: orNull(isText), index: orNull(isText) },
    ...{
      waiting: orAbsent(isCount),
      waited_ms: orAbsent(isCount),
      epoch: orAbsent(orNull(isText)),
      policy: orAbsent(orNull(isText)),
    },
    pack: orAbsent(orNull(isText)),
  },
};
