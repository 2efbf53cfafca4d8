import { KvError } from '../../../ports/error.js';
import type { GitBounds, GitService } from '../../../ports/git-service.js';
import type { GitStore } from '../../../ports/git-store.js';
import { may, type Principal } from '../../../domain/access/principal.js';
import { serveAdmin, type AdminVerb } from '../admin/serve-admin.js';
import type { ExecSession, ServeExec } from '../exec-session.js';
import type { SshCommand } from './command.js';
import { serveRead } from './upload-pack.js';

interface Routes {
  /** Serves fetches. */
  readonly services: GitService;
  readonly store: GitStore;
  readonly push: ServeExec;
  readonly verbs: readonly AdminVerb[];
  /** Milliseconds for one fetch. */
  readonly readTimeout: number;
  /** What git may take for one; asked for each. */
  readonly bounds: () => GitBounds;
}

/** Says what serves a command, if the pusher's role allows it. Throws `POLICY_VIOLATION` otherwise. */
export function routeCommands(routes: Routes): (command: SshCommand, session: ExecSession) => ServeExec {
  return (command, { pusher }) => {
    if (command.kind === 'admin') return serveAdmin(routes.verbs, command.verb, command.args);
    if (command.service === 'git-receive-pack') {
      if (!may(pusher, 'push')) throw notAllowed(pusher, 'push', 'a writer of a namespace');
      return routes.push;
    }
    if (!may(pusher, 'fetch')) throw notAllowed(pusher, 'fetch', 'a reader');
    return serveRead(command.service, routes.services, routes.store, routes.readTimeout, routes.bounds);
  };
}

function notAllowed(pusher: Principal, what: string, role: string): KvError {
  return new KvError('POLICY_VIOLATION', `'${pusher.name}' may not ${what}`, {
    hint: `ask an admin to list the key as ${role} in the policy`,
  });
}
