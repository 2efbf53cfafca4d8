import { KvError } from '../../../ports/error.js';
import { serviceEnv, startService } from '../repository/git-process.js';
import { refuse, type ExecSession, type ServeExec } from './exec-session.js';
import type { GitService } from './command.js';

/** Serves a fetch or an archive: relays between the client and git. `timeout` in milliseconds. */
export function serveRead(service: Exclude<GitService, 'git-receive-pack'>, gitDir: string, timeout: number): ServeExec {
  return async (session: ExecSession): Promise<number> => {
    const verb = service.replace('git-', '');
    const { child, ended, stop } = startService([verb, gitDir], serviceEnv(gitDir, session.gitProtocol), 3);
    const timer = setTimeout(() => {
      refuse(session, new KvError('IO_ERROR', `the ${verb} took longer than ${timeout / 1000} s`));
      stop();
    }, timeout);
    session.gone.addEventListener('abort', stop);
    if (session.gone.aborted) stop();
    session.input.pipe(child.stdin as NodeJS.WritableStream);
    child.stdout?.pipe(session.output, { end: false });
    child.stderr?.on('data', (text: Buffer) => session.complain(text.toString('utf8')));
    try {
      return await ended;
    } finally {
      clearTimeout(timer);
      session.gone.removeEventListener('abort', stop);
    }
  };
}
