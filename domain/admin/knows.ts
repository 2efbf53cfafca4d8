import { KvError } from '../../ports/error.js';
import { isNamespace } from '../../ports/grammar/namespace.js';
import { isAnyOid, type Oid } from '../../ports/vocabulary.js';
import { isFlag, isText } from './fields.js';
import { shownWord, type VerbFormat } from './verb.js';

/** A ledger commit that somebody waits for. */
export interface KnowsArguments {
  readonly ns: string;
  readonly oid: Oid;
}

/** Whether the Stargate has it: what it hasn't got, it can't mirror. */
export interface KnowsReport {
  readonly ns: string;
  readonly oid: string;
  readonly known: boolean;
}

/** `knows NS OID`: whether the Stargate has a ledger commit of a namespace, of any epoch that is not compacted away. */
export const KNOWS: VerbFormat<KnowsArguments, KnowsReport> = {
  name: 'knows',
  role: 'any',
  encode: ({ ns, oid }) => [ns, oid],
  decode([ns = '', oid = '', more]) {
    if (!isNamespace(ns)) throw new KvError('USAGE', `'knows' wants a namespace, and got ${shownWord(ns)}`);
    if (!isAnyOid(oid)) throw new KvError('USAGE', `'knows' wants a commit in full, and got ${shownWord(oid)}`);
    if (more !== undefined) throw new KvError('USAGE', `'knows' takes a namespace and a commit, and got ${shownWord(more)} too`);
    return { ns, oid };
  },
  report: { ns: isText, oid: isText, known: isFlag },
};
