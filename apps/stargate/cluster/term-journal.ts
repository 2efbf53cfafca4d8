import type { JournalRecord, Journal } from '../../../ports/stargate/journal.js';
import { type PeerDispatch, TOPICS } from './peers/dispatch.js';

/** What telling the other servers of the mirror takes. */
export interface MirroredNews {
  readonly dispatch: PeerDispatch;
  readonly repository: string;
  readonly journal: Journal;
}

const idOf = (body: Uint8Array): string => Buffer.from(body).toString('latin1');

/**
 * The journal as a term sees it: it is the member's, and stays open. What the mirror shows is told to the other servers too, so that whoever
 * leads next goes on from there.
 */
export function termJournal({ dispatch, repository, journal }: MirroredNews): Journal {
  const { transport } = dispatch;
  return {
    capabilities: journal.capabilities,
    replay: () => journal.replay(),
    rewrite: (records) => journal.rewrite(records),
    close: async () => undefined,

    async append(record: JournalRecord, options) {
      await journal.append(record, options);
      if (record.kind !== 'mirrored') return;
      const request = { topic: TOPICS.mirrored, repository, body: Buffer.from(record.id) };
      for (const server of transport.servers)
        if (server !== transport.self) transport.call(server, request, { withinMs: 2000 }).catch(() => undefined); // a push more, where it is lost
    },
  };
}

/** Notes what another leader tells of the mirror. Gives what ends that. */
export function hearMirrored({ dispatch, repository, journal }: MirroredNews, now: () => string): () => void {
  return dispatch.on(TOPICS.mirrored, repository, async ({ body }) => {
    const id = idOf(body);
    if (/^[0-9A-HJKMNP-TV-Z]{26}$/.test(id)) await journal.append({ kind: 'mirrored', id, ts: now() }, { sync: false });
    return { body: new Uint8Array(0) };
  });
}
