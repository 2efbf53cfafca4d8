import type { FastifyReply } from 'fastify';

/** Fires when a client goes away before it is answered: what is being done for it alone may end. */
export function gone({ raw }: Pick<FastifyReply, 'raw'>): AbortSignal {
  const controller = new AbortController();
  if (raw.destroyed) controller.abort(); // before anybody listened
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
