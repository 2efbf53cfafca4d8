import type { Permission, Principal } from '../../../domain/access/principal.js';
import { TURN } from '../../../domain/admin/turn.js';
import type { VerbRole } from '../../../domain/admin/verb.js';
import type { GitBounds, GitService } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import { serveAdmin, type AdminVerb } from '../admin/serve-admin.js';
import type { ServeExec } from '../exec-session.js';
import { requirePermission } from '../permission.js';
import type { SshCommand } from './command.js';
import { serveRead } from './upload-pack.js';

interface Routes {
  /** Serves fetches. */
  readonly services: GitService;
  readonly store: GitStore;
  readonly push: ServeExec;
  /** Serves a stream of intents. */
  readonly intents: ServeExec;
  readonly verbs: readonly AdminVerb[];
  /** Asked for each command: a policy may change. */
  readonly limits: () => Pick<Limits, 'readTimeout' | 'readSilence'>;
  /** What git may take for one; asked for each. */
  readonly bounds: () => GitBounds;
}

/** What serves a command, and which permission its pusher needs as long as it runs: null where being listed is enough. */
export interface Routed {
  readonly needs: Permission | null;
  /** The place that it takes while it runs; null for what has a bound of its own. */
  readonly takes: 'push' | 'command' | null;
  readonly serve: ServeExec;
}

const NEEDS: Readonly<Record<VerbRole, Permission | null>> = { any: null, writer: 'push', admin: 'administer' };

/** Says what serves a command, if the pusher's role allows it. Throws `POLICY_VIOLATION` otherwise. */
export type Route = (command: SshCommand, pusher: Principal) => Routed;

/** The routes of a Stargate. */
export function routeCommands(routes: Routes): Route {
  return (command, pusher) => {
    if (command.kind === 'admin') {
      const role = routes.verbs.find(({ name }) => name === command.verb)?.role ?? 'any';
      const takes = command.verb === TURN.name ? null : 'command'; // who stands in line keeps nobody from pushing
      return { needs: NEEDS[role], takes, serve: serveAdmin(routes.verbs, command.verb, command.args) };
    }
    if (command.kind === 'intents') {
      requirePermission(pusher, 'push');
      return { needs: 'push', takes: 'command', serve: routes.intents };
    }
    const needs = command.service === 'git-receive-pack' ? 'push' : 'fetch';
    requirePermission(pusher, needs);
    if (command.service === 'git-receive-pack') return { needs, takes: 'push', serve: routes.push };
    const serve = serveRead(command.service, routes.services, routes.store, { ...routes.limits(), bounds: routes.bounds() });
    return { needs, takes: 'command', serve };
  };
}
