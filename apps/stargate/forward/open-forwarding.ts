import { COMPACT } from '../../../domain/admin/compact.js';
import { SYNC } from '../../../domain/admin/sync.js';
import { TURN } from '../../../domain/admin/turn.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { Log } from '../log/log.js';
import type { SshCommand } from '../ssh/command.js';
import type { Route } from '../ssh/route.js';
import { type PeerDispatch, TOPICS } from '../cluster/peers/dispatch.js';
import type { ClusterMember } from '../cluster/member/member.js';
import { ForwardedSessions } from './forwarded.js';
import { handOn } from './hand-on.js';

/** What handing commands on, and taking them, needs of a repository. */
export interface ForwardingOptions {
  readonly dispatch: PeerDispatch;
  readonly repository: string;
  readonly member: Pick<ClusterMember, 'state'>;
  /** Who leads where this member has heard of nobody, as far as it was seen; absent: nobody. */
  readonly leaderSeen?: (() => string | null) | undefined;
  /** What serves commands here. */
  readonly route: Route;
  readonly policy: () => Policy;
  /** Whether this server takes writes. */
  readonly leads: () => boolean;
  /** Throws `NOT_LEADER`, naming who leads, where this server doesn't. */
  readonly requireLeading: () => Promise<unknown>;
  readonly newId: () => string;
  readonly pauseMs?: number;
  readonly log: Log;
}

/** Verbs that change something, or stand in the leader's line: what a standby refuses. */
const VERBS_OF_LEADER: readonly string[] = [COMPACT.name, SYNC.name, TURN.name];

/** Commands between the servers of a cluster. */
export interface Forwarding {
  /** Serves a command here, or hands it on where another server leads and the policy says so. */
  readonly route: Route;
  close(): void;
}

/** Takes commands from the other servers, and hands on what only the leader does. */
export function openForwarding(options: ForwardingOptions): Forwarding {
  const { dispatch, repository, member, route, policy, leads, requireLeading, newId, log } = options;
  const sessions = new ForwardedSessions({
    ...{ route, policy, log },
    requireLeading: async () => void (await requireLeading()),
    isMember: (server) => member.state.applied.members.includes(server),
  });
  const end = dispatch.on(TOPICS.forward, repository, (request) => sessions.handle(request));
  return {
    route(command, pusher) {
      const routed = route(command, pusher);
      if (leads() || policy().standby !== 'forward' || !isForTheLeader(command)) return routed;
      const leader = () => member.state.leader ?? options.leaderSeen?.() ?? null;
      const { pauseMs } = options;
      const patience = pauseMs === undefined ? {} : { pauseMs };
      return { ...routed, serve: handOn(command, { dispatch, repository, leader, refused: requireLeading, newId, ...patience }) };
    },
    close() {
      end();
      sessions.close();
    },
  };
}

/** Whether a command is one that a standby refuses. */
function isForTheLeader(command: SshCommand): boolean {
  if (command.kind === 'git') return command.service === 'git-receive-pack';
  return command.kind === 'intents' || VERBS_OF_LEADER.includes(command.verb);
}
