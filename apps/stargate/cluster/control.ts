import type { ClusterStatus } from '../../../domain/admin/cluster-status.js';
import type { ProposalAnswer } from '../../../domain/gateway/replicate/effects.js';
import { Fields } from '../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError } from '../../../ports/error.js';
import type { PeerAnswer, ReceivedRequest } from '../../../ports/stargate/peer-transport.js';
import { type PeerDispatch, TOPICS } from './peers/dispatch.js';
import type { ClusterMember } from './member/member.js';
import { memberStatus } from './member/member-status.js';
import { refusedBy } from './replicate.js';

/** What an operator may ask a server for. What changes anything is done by the leader, whoever is asked. */
export type ControlRequest =
  | { readonly verb: 'status' }
  /** `address`: where the new server is. */
  | { readonly verb: 'add'; readonly server: string; readonly address: string | null }
  | { readonly verb: 'remove' | 'transfer'; readonly server: string }
  /** What has come of a change. */
  | { readonly verb: 'outcome'; readonly id: string };

/** The answer: a status; or `pending` with the id of a change that is under way, null once it is made. */
export type ControlAnswer = { readonly status: ClusterStatus } | { readonly pending: string | null };

interface ControlOptions {
  readonly member: ClusterMember;
  readonly dispatch: PeerDispatch;
  readonly repository: string;
  readonly newId: () => string;
  /** Whether this server leads, or is about to: whoever asks waits a moment for it. */
  readonly soon: () => boolean;
  /** Who holds the lock, where this server has heard of no leader, as of a repository of a root that the leader has closed. */
  readonly holder: () => Promise<string | null>;
}

/** How many changes are remembered once they have ended. */
const MOST_KEPT = 100;
/** For how long, and how often it is looked, a change waits for a server that is about to lead; and how long a server is asked that leads. ms */
const SOON_MS = 5000;
const LOOK_MS = 20;
const FORWARD_MS = 15_000;
const json = (value: ControlAnswer): PeerAnswer => ({ body: Buffer.from(JSON.stringify(value)) });

/** Serves what operators ask of a repository's cluster. Gives what ends that. */
export function serveControl({ member, dispatch, repository, newId, soon, holder }: ControlOptions): () => void {
  const { transport } = dispatch;
  /** Null while a change is under way. */
  const changes = new Map<string, ProposalAnswer | null>();

  const change = (of: { readonly add: string } | { readonly remove: string }): ControlAnswer => {
    const id = newId();
    changes.set(id, null);
    for (const [old, answer] of changes) if (changes.size > MOST_KEPT && answer !== null) changes.delete(old);
    void member.propose({ id, updates: [], events: [], ack: 'quorum', change: of }).then((answer) => changes.set(id, answer));
    return { pending: id };
  };
  const meet = async (server: string, address: string | null): Promise<void> => {
    if (address !== null) await dispatch.meet(server, address);
    if (transport.servers.includes(server)) return;
    throw new KvError('NOT_FOUND', `the address of server ${server} is not known`, { hint: 'give it: cluster add NAME URL' });
  };

  const aboutToLead = async (): Promise<void> => {
    const until = performance.now() + SOON_MS;
    while (member.state.leading === null && soon() && performance.now() < until)
      await new Promise((done) => setTimeout(done, LOOK_MS));
  };

  const handle = async (request: ReceivedRequest): Promise<PeerAnswer> => {
    const asked = Fields.parse(request.body, 'control');
    const verb = asked.text('verb');
    if (verb === 'status') return json({ status: memberStatus(member) });
    if (verb === 'meet') {
      await meet(asked.text('server'), asked.textOrNull('address'));
      return json({ pending: null });
    }
    await aboutToLead();
    if (member.state.leading === null) return forward(request);
    if (verb === 'outcome') return json({ pending: outcomeOf(asked.text('id')) });
    const server = asked.text('server');
    if (verb === 'add') {
      const address = asked.textOrNull('address');
      await meet(server, address);
      const told = Buffer.from(JSON.stringify({ verb: 'meet', server, address }));
      for (const other of member.state.leading.head.members)
        if (other !== member.self)
          transport.call(other, { topic: TOPICS.control, repository, body: told }).catch(() => undefined); // it is to be in its profile
      return json(change({ add: server }));
    }
    if (verb === 'remove') return json(change({ remove: server }));
    if (verb === 'transfer') {
      if (!member.state.leading.head.members.includes(server))
        throw new KvError('NOT_FOUND', `${server} is no member of the cluster`);
      member.transfer(server);
      return json({ pending: null });
    }
    throw new KvError('USAGE', `a cluster has no verb '${verb.slice(0, 40)}'`);
  };

  const outcomeOf = (id: string): string | null => {
    const answer = changes.get(id);
    if (answer === undefined) throw new KvError('NOT_FOUND', `no change ${id.slice(0, 40)} is known to the server that leads`);
    if (answer === null) return id;
    if (answer.outcome === 'refused') throw refusedBy(answer.because, answer.detail);
    if (answer.outcome === 'unknown')
      throw new KvError('IO_ERROR', 'whether the change was made is not known', { hint: 'see cluster status' });
    return null;
  };

  const forward = async ({ from, body }: ReceivedRequest): Promise<PeerAnswer> => {
    const leader = member.state.leader ?? (await holder());
    if (leader === null || leader === member.self || member.state.applied.members.includes(from))
      throw new KvError('NOT_LEADER', 'no server of the cluster is known to lead', { hint: 'try again in a moment' });
    const answer = await transport.call(leader, { topic: TOPICS.control, repository, body }, { withinMs: FORWARD_MS });
    return { body: answer.body, stream: answer.stream };
  };

  return dispatch.on(TOPICS.control, repository, handle);
}
