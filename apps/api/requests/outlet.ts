import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** An answer that is written piece by piece. */
export interface Outlet {
  write(text: string): void;
  /** What waits for a client that doesn't read, bytes. */
  unread(): number;
  end(): void;
  cut(): void;
  /** Hears that nobody reads any more. */
  onClose(done: () => void): void;
  /** Fires when the server ends. */
  readonly closing: AbortSignal;
}

/** The headers of Server-Sent Events. */
export const EVENT_STREAM = { 'Content-Type': 'text/event-stream' } as const;

/** Takes an answer over from the library, with the headers that it has so far and these. */
export function outlet(reply: FastifyReply, headers: Readonly<Record<string, string>>, closing: AbortSignal): Outlet {
  reply.hijack();
  const { raw }: { raw: ServerResponse } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, { ...headers, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  raw.flushHeaders();
  return {
    write: (text) => void raw.write(text),
    unread: () => raw.writableLength,
    end: () => void raw.end(),
    cut: () => void raw.destroy(),
    onClose: (done) => void raw.once('close', done),
    closing,
  };
}
