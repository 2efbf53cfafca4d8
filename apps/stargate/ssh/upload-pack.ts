import { KvError } from '../../../ports/error.js';
import type { GitService } from '../../../ports/git-service.js';
import type { GitServiceName } from './command.js';
import { clientOf, type ExecSession, feed, refuse, type ServeExec } from '../exec-session.js';

/** Serves a fetch or an archive: relays between the client and git. `timeout` in milliseconds. */
export function serveRead(
  service: Exclude<GitServiceName, 'git-receive-pack'>,
  services: GitService,
  timeout: number,
): ServeExec {
  return async (session: ExecSession): Promise<number> => {
    const verb = service === 'git-upload-pack' ? 'upload-pack' : 'upload-archive';
    const { input, ended, stop } = services.read(verb, session, clientOf(session));
    const timer = setTimeout(() => {
      refuse(session, new KvError('IO_ERROR', `the ${verb} took longer than ${timeout / 1000} s`));
      stop();
    }, timeout);
    session.gone.addEventListener('abort', stop);
    if (session.gone.aborted) stop();
    feed(session, input);
    try {
      return await ended;
    } finally {
      clearTimeout(timer);
      session.gone.removeEventListener('abort', stop);
    }
  };
}
