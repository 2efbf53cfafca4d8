import type { RootRepository, RootStatus } from '../../../../domain/admin/root-status.js';
import { Fields } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError, toKvError } from '../../../../ports/error.js';
import {
  PEER_OPERATOR,
  type PeerAnswer,
  type PeerTransport,
  type ReceivedRequest,
} from '../../../../ports/stargate/peer-transport.js';
import { TOPICS } from '../../cluster/peers/dispatch.js';
import { memberStatus } from '../../cluster/member/member-status.js';
import type { RootAnswer, RootRequest } from '../../cluster/root-requests.js';
import type { Creating } from '../creation/creating.js';
import type { RootCluster } from './root-cluster.js';

interface RootControl {
  readonly cluster: RootCluster;
  readonly creating: Pick<Creating, 'create' | 'remove'>;
}

/** How long another server may take to say that it is there, ms. */
const PING_MS = 2000;
const json = (value: RootAnswer): PeerAnswer => ({ body: Buffer.from(JSON.stringify(value)) });

/** Serves what operators, and other servers, ask of all repositories of a root. Gives what ends that. */
export function serveRootControl({ cluster, creating }: RootControl): () => void {
  const { dispatch } = cluster;
  const { transport } = dispatch;

  const transfer = async (request: ReceivedRequest, to: string): Promise<PeerAnswer> => {
    if (!transport.servers.includes(to)) throw new KvError('NOT_FOUND', `server ${to.slice(0, 80)} is not known`);
    if (!cluster.takesOver)
      throw new KvError('CONFIG_INVALID', 'the decision log is on one host, whose server leads', {
        hint: 'name a decision-log and a leader-lock that all servers reach',
      });
    if (cluster.candidacy.term === null) return forward(request);
    if (to === cluster.self) return json({ done: true });
    await ask(transport, to, { verb: 'stand' });
    cluster.candidacy.release();
    return json({ done: true });
  };

  const forward = async ({ from, body }: ReceivedRequest): Promise<PeerAnswer> => {
    const leader = from === PEER_OPERATOR ? await cluster.leader() : null; // what was passed on once goes no further
    if (leader === null || leader === cluster.self)
      throw new KvError('NOT_LEADER', 'no server of the cluster is known to lead', { hint: 'try again in a moment' });
    const { body: answer } = await transport.call(leader, { topic: TOPICS.control, repository: '', body });
    return { body: answer };
  };

  const handle = async (request: ReceivedRequest): Promise<PeerAnswer> => {
    const asked = Fields.parse(request.body, 'control');
    const verb = asked.text('verb') as RootRequest['verb']; // whatever it is: what is none is refused below
    switch (verb) {
      case 'ping':
        return json({ done: true });
      case 'status':
        return json({ root: await rootStatus(cluster) });
      case 'transfer':
        return transfer(request, asked.text('server'));
      case 'stand':
        cluster.candidacy.acquire();
        return json({ done: true });
      case 'meet':
        if (asked.text('server') !== cluster.self) await dispatch.meet(asked.text('server'), asked.text('address'));
        return json({ done: true });
      case 'create': {
        const objectFormat = asked.text('objectFormat');
        if (objectFormat !== 'sha1' && objectFormat !== 'sha256')
          throw new KvError('INPUT_INVALID', `'${objectFormat.slice(0, 40)}' is no object format`);
        const { peersConfirmed, replicated } = await creating.create(
          asked.text('repository'),
          asked.textOrNull('policy') ?? undefined,
          objectFormat,
        );
        return json({ confirmed: peersConfirmed, replicated });
      }
      case 'remove': {
        const { peersConfirmed, replicated } = await creating.remove(asked.text('repository'));
        return json({ confirmed: peersConfirmed, replicated });
      }
      default:
        throw new KvError('USAGE', `a cluster has no verb '${String(verb).slice(0, 40)}'`);
    }
  };
  return dispatch.on(TOPICS.control, '', handle);
}

/** How a cluster of roots stands, as this server sees it. */
async function rootStatus(cluster: RootCluster): Promise<RootStatus> {
  const { self, servers, candidacy, dispatch, takesOver } = cluster;
  const others = servers.map(async (server) => {
    const unreachable =
      server === self
        ? null
        : await ask(dispatch.transport, server, { verb: 'ping' }).then(
            () => null,
            (error: unknown) => toKvError(error).message,
          );
    return { server, unreachable };
  });
  const repositories = await cluster.repositories();
  const leader = await cluster.leader();
  return {
    ...{ server: self, leads: leader === self, term: leader === self ? candidacy.term : null, leader },
    takeover: takesOver ? 'another server takes over by itself' : 'nobody takes over: the decision log is on one host',
    servers: await Promise.all(others),
    repositories: repositories.map(({ name, history, member, rest }): RootRepository => {
      if (member === undefined) {
        const at = rest === null || rest.at.digest === '' ? null : rest.at.sequence;
        return { name, history, open: false, role: null, at, decided: null, diverged: null };
      }
      const { role, at, decided, diverged } = memberStatus(member);
      return { name, history, open: true, role, at, decided, diverged };
    }),
  };
}

async function ask(transport: PeerTransport, server: string, request: RootRequest): Promise<void> {
  const body = Buffer.from(JSON.stringify(request));
  const { stream } = await transport.call(server, { topic: TOPICS.control, repository: '', body }, { withinMs: PING_MS });
  for await (const _ of stream); // it has none: its end is read
}
