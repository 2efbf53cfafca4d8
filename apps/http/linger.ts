import type { IncomingMessage } from 'node:http';

/** How long a client may go on with a body that nobody wants, ms. */
const LINGER_MS = 2000;

/**
 * Closes a request's connection gently once it is answered: what the client still sends is dropped for a moment. A connection that is closed on
 * unread bytes is reset, and the client finds that instead of the answer.
 */
export function linger({ socket }: IncomingMessage): void {
  // Node calls this when the last answer of a connection is written.
  socket.destroySoon = () => {
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  };
}
