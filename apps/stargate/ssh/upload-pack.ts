import { KvError } from '../../../ports/error.js';
import type { GitBounds, GitService } from '../../../ports/git-service.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { GitServiceName } from './command.js';
import { clientOf, type ExecSession, feed, refuse, type ServeExec } from '../exec-session.js';
import { settledRefs } from './settled-refs.js';

/** Serves a fetch or an archive: relays between the client and git; the refs of namespaces as of one moment. `timeout` in milliseconds. */
export function serveRead(
  service: Exclude<GitServiceName, 'git-receive-pack'>,
  services: GitService,
  store: GitStore,
  timeout: number,
  bounds: () => GitBounds,
): ServeExec {
  return async (session: ExecSession): Promise<number> => {
    const verb = service === 'git-upload-pack' ? 'upload-pack' : 'upload-archive';
    const plain = { client: clientOf(session), asks: () => undefined, finish: async () => undefined };
    const { client, asks, finish } = verb === 'upload-pack' ? settledRefs(plain.client, store) : plain;
    const { input, ended, stop } = services.read(verb, { gitProtocol: session.gitProtocol, bounds: bounds() }, client);
    const timer = setTimeout(() => {
      refuse(session, new KvError('IO_ERROR', `the ${verb} took longer than ${timeout / 1000} s`));
      stop();
    }, timeout);
    session.gone.addEventListener('abort', stop);
    if (session.gone.aborted) stop();
    feed(session, input, (bytes) => {
      asks(bytes);
      return true;
    });
    try {
      const status = await ended;
      if (!session.gone.aborted) await finish();
      return status;
    } finally {
      clearTimeout(timer);
      session.gone.removeEventListener('abort', stop);
    }
  };
}
