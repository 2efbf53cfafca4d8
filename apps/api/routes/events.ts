import { setMaxListeners } from 'node:events';
import { Type } from 'typebox';
import type { EventLog, LoggedEvent } from '../pool/events.js';
import { closed, RepoParams } from '../schemas/common.js';
import { iso } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { ApiError } from '../problems/errors.js';

/** What may wait for a client that doesn't read, bytes; above it the stream ends, and the client comes back. */
const UNREAD = 256 * 1024;
/** How often a silent stream says that it is there, ms. */
const BEAT = 10_000;
/** Streams of one repository. */
const STREAMS = 10_000;

/** What moves in a repository, as Server-Sent Events that can be continued. */
export function eventRoutes(app: ApiApp, { pool }: ApiContext, closing: AbortSignal): void {
  setMaxListeners(0, closing); // one of each stream
  const Query = closed({ branch: Type.Optional(Type.String({ maxLength: 300 })) });
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
        const { branch } = request.query;
        const log = pool.events(request.params.repo);
        const last = request.headers['last-event-id'];
        if (log.watchers >= STREAMS) throw new ApiError(503, 'BUSY', 'too many watch this repository');
        reply.hijack();
        const { raw } = reply;
        for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
        raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
        raw.flushHeaders();
        stream(log, typeof last === 'string' ? last : undefined, branch, {
          write: (text) => void raw.write(text),
          unread: () => raw.writableLength,
          end: () => void raw.end(),
          cut: () => void raw.destroy(),
          onClose: (done) => void raw.once('close', done),
          closing,
        });
        return reply;
      },
    );
  }
}

interface Sink {
  write(text: string): void;
  unread(): number;
  end(): void;
  cut(): void;
  onClose(done: () => void): void;
  readonly closing: AbortSignal;
}

function stream(log: EventLog, last: string | undefined, branch: string | undefined, sink: Sink): void {
  const ref = branch === undefined ? undefined : branch.startsWith('refs/') ? branch : `refs/heads/${branch}`;
  const send = (event: LoggedEvent): void => {
    if (ref === undefined || event.ref === ref) sink.write(framed(event));
    if (sink.unread() > UNREAD) sink.cut();
  };
  const stop = log.listen((event) => (event === null ? sink.end() : send(event)));
  const beat = setInterval(() => sink.write(':\n\n'), BEAT);
  const end = (): void => sink.end();
  sink.closing.addEventListener('abort', end, { once: true });
  sink.onClose(() => {
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

function framed({ id, ref, old, next, reason, time }: LoggedEvent): string {
  const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
  return `id: ${id}\nevent: ${reason.replace(/[^a-z-]/g, '')}\ndata: ${JSON.stringify({ ref, branch, old, new: next, reason, time: iso(time) })}\n\n`;
}
