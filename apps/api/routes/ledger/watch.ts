import { Type } from 'typebox';
import type { Clone, WatchedEvent } from '../../ledger/open-ledger.js';
import { closed } from '../../schemas/common.js';
import type { ApiApp } from '../../requests/context.js';
import { EVENT_STREAM, type Outlet, outlet } from '../../requests/outlet.js';
import { ApiError } from '../../problems/errors.js';
import { NsParams } from '../../ledger/schemas.js';

/** What may wait for a client that doesn't read, bytes; above it the stream ends, and the client comes back. */
const UNREAD = 256 * 1024;
/** How often a silent stream says that it is there, ms. */
const BEAT = 10_000;
/** Each follows the watchlog by itself. */
const STREAMS = 200;

/** The transactions that a Stargate accepts, as Server-Sent Events that can be continued: an event's id is its ledger commit. */
export function watchRoute(app: ApiApp, use: <T>(work: (clone: Clone) => Promise<T>) => Promise<T>, closing: AbortSignal): void {
  let streams = 0;
  app.get(
    '/kv/:ns/watch',
    {
      config: { access: 'kv:read' },
      schema: {
        ...{ summary: 'Watch transactions (text/event-stream), from Last-Event-ID on', tags: ['ledger'], params: NsParams },
        ...{ querystring: closed({ prefix: Type.Optional(Type.String({ maxLength: 512 })) }), response: { 200: Type.String() } },
      },
    },
    async (request, reply) => {
      const { ns } = request.params;
      const { prefix } = request.query;
      const last = request.headers['last-event-id'];
      const since = typeof last === 'string' && last !== '' ? last : undefined;
      if (streams >= STREAMS) throw new ApiError(503, 'BUSY', 'too many watch ledgers');
      streams += 1;
      const gone = new AbortController();
      // From now on: who goes before the first event is not to be followed for.
      reply.raw.once('close', () => gone.abort());
      try {
        const signal = AbortSignal.any([gone.signal, closing]);
        const watch = await use(async (clone) => clone.watch({ ns, prefix, since, signal }));
        const events = watch[Symbol.asyncIterator]();
        // The first event is asked for before anything is answered, so that what can't be watched is an answer of its own.
        const first = events.next();
        await use(() => Promise.race([first, soon()]));
        await send(ns, first, events, outlet(reply, EVENT_STREAM, closing));
      } finally {
        streams -= 1;
        gone.abort();
      }
      return reply;
    },
  );
}

/** Sends events until there are no more, or nobody reads them. */
async function send(
  ns: string,
  first: Promise<IteratorResult<WatchedEvent>>,
  events: AsyncIterator<WatchedEvent>,
  to: Outlet,
): Promise<void> {
  to.write(':\n\n');
  const beat = setInterval(() => to.write(':\n\n'), BEAT);
  try {
    for (let next = await first; next.done !== true; next = await events.next()) {
      const { oid, epoch, txn, received, signer, keys, parentEpoch } = next.value;
      const data = JSON.stringify({ ns, epoch, commit: oid, txn, received, signer, keys, parent_epoch: parentEpoch });
      to.write(`id: ${oid}\nevent: transaction\ndata: ${data}\n\n`);
      if (to.unread() > UNREAD) break;
    }
  } catch {
    to.write('event: lost\ndata: {}\n\n'); // the client comes back with the last id that it had
  } finally {
    clearInterval(beat);
    to.end();
  }
}

/** How long a watch that can't begin takes to say so, ms; a repository that takes longer tells it in the stream. */
const SOON = 300;

function soon(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, SOON));
}
