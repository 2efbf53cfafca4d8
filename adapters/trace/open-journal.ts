import type { Journal, OpenAdapter, Tracing } from '../../ports/index.js';
import { type Traced, tracedCalls } from './traced.js';

/** A journal with a span around each append and rewrite; a replay takes as long as its reader does. Owns `journal`. */
export function journalWithTrace(journal: Journal, traced: Traced): Journal {
  return {
    get capabilities() {
      return journal.capabilities;
    },
    append: (record, options) => traced('append', () => journal.append(record, options)),
    replay: () => journal.replay(),
    rewrite: (records) => traced('rewrite', () => journal.rewrite(records)),
    close: () => journal.close(),
  };
}

/** Named under `wrap:` of a journal; while nothing is traced, nothing stands around it. */
export const open: OpenAdapter<undefined, Journal> = async (_config, context) => {
  const journal = await context.get<Journal>('journal');
  const tracing = await context.get<Tracing>('tracing');
  return tracing.isOn ? journalWithTrace(journal, tracedCalls(tracing, 'journal')) : journal;
};
