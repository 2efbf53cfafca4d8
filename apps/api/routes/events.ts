import { setMaxListeners } from 'node:events';
import { Type } from 'typebox';
import { type EventFacts, type EventFilter, eventMatcher } from '../pool/event-facts.js';
import { eventShape } from '../pool/event-shape.js';
import type { EventLog, LoggedEvent } from '../pool/events.js';
import { closed, RepoParams } from '../schemas/common.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { EVENT_STREAM, type Outlet, outlet } from '../requests/outlet.js';
import type { Share } from '../requests/streams.js';
import { ApiError } from '../problems/errors.js';

/** Events that are being looked into for one client; above it the stream ends, and the client comes back. */
const UNTOLD = 2000;
/** How often a silent stream says that it is there, ms. */
const BEAT = 10_000;
/** Streams of one repository. */
const STREAMS = 10_000;

/** What moves in a repository, as Server-Sent Events that can be continued. */
export function eventRoutes(app: ApiApp, { pool, automation, streams, log: tell }: ApiContext, closing: AbortSignal): void {
  setMaxListeners(0, closing); // one of each stream
  const Query = closed({
    branch: Type.Optional(Type.String({ maxLength: 300 })),
    path: Type.Optional(Type.String({ maxLength: 1000, description: 'a glob; without a slash, of names in any folder' })),
    author: Type.Optional(Type.String({ maxLength: 300, description: 'part of the name and address, in any case' })),
  });
  for (const url of ['/repos/:repo/events', '/repos/:repo/watch']) {
    app.get(
      url,
      {
        config: { access: 'repo:read' },
        schema: {
          ...{ summary: 'Watch refs move (text/event-stream), from Last-Event-ID on', tags: ['events'], params: RepoParams },
          ...{ querystring: Query, response: { 200: Type.String() } },
        },
      },
      async (request, reply) => {
        const { repo } = request.params;
        const log = pool.events(repo);
        const last = request.headers['last-event-id'];
        const filter: EventFilter = request.query;
        const matches = eventMatcher(filter);
        if (log.watchers >= STREAMS) throw new ApiError(503, 'BUSY', 'too many watch this repository');
        const share = streams.begin();
        stream(log, typeof last === 'string' ? last : undefined, {
          ...outlet(reply, EVENT_STREAM, closing),
          matches,
          facts: (event) => automation.facts.of(repo, event),
          share,
          told: (reason) => tell('INFO', 'a stream was cut off', { request_id: request.id, repository: repo, reason }),
        });
        return reply;
      },
    );
  }
}

interface Sink extends Outlet {
  matches(event: LoggedEvent, facts: EventFacts): boolean;
  facts(event: LoggedEvent): Promise<EventFacts>;
  readonly share: Share;
  /** Is told why a client was cut off: it can't be, since it doesn't read. */
  told(reason: string): void;
}

function stream(log: EventLog, last: string | undefined, sink: Sink): void {
  let untold = 0;
  let hasEnded = false;
  let told: Promise<void> = Promise.resolve();
  /** In the order of the events, each once it is known what it is about. */
  const send = (event: LoggedEvent): void => {
    untold += 1;
    const facts = sink.facts(event);
    told = told.then(async () => {
      const known = await facts;
      untold -= 1;
      if (hasEnded) return;
      if (sink.matches(event, known)) write(framed(event, known));
    });
    if (untold > UNTOLD) cut('more happens than can be told it');
  };
  const cut = (reason: string): void => {
    if (hasEnded) return;
    hasEnded = true;
    sink.share.end(reason);
    sink.told(reason);
    sink.cut();
  };
  const write = (text: string): void => {
    sink.write(text);
    const reason = sink.share.excess(sink.unread());
    if (reason !== null) cut(reason);
  };
  const end = (): void => {
    hasEnded = true;
    sink.end();
  };
  const stop = log.listen((event) => (event === null ? void told.then(end) : send(event)));
  const beat = setInterval(() => write(':\n\n'), BEAT);
  sink.closing.addEventListener('abort', end, { once: true });
  sink.onClose(() => {
    hasEnded = true;
    sink.share.end();
    stop();
    clearInterval(beat);
    sink.closing.removeEventListener('abort', end);
  });
  const missed = last === undefined ? [] : log.since(last);
  // The client can't be told what it has missed: it is to read anew.
  if (missed === null) sink.write('event: reset\ndata: {}\n\n');
  else for (const event of missed) send(event);
  sink.write(':\n\n');
}

/** Frames of events: one text for all who are told, of which what waits for them is made. */
const frames = new WeakMap<LoggedEvent, string>();

function framed(event: LoggedEvent, facts: EventFacts): string {
  let text = frames.get(event);
  if (text === undefined) {
    const data = JSON.stringify(eventShape(event, facts));
    text = `id: ${event.id}\nevent: ${event.reason.replace(/[^a-z-]/g, '')}\ndata: ${data}\n\n`;
    frames.set(event, text);
  }
  return text;
}
