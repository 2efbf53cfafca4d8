import { isAt, type Position } from '../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../domain/gateway/replicate/messages.js';
import { decodeMessage } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError, toKvError } from '../../../../ports/error.js';
import type { DecisionLog } from '../../../../ports/stargate/decision-log.js';
import type { LeaderLock } from '../../../../ports/stargate/leader-lock.js';
import type { PeerAnswer, PeerTransport, ReceivedRequest } from '../../../../ports/stargate/peer-transport.js';
import type { MetServers } from '../../cluster/peers/met-servers.js';
import type { Log } from '../../log/log.js';
import type { Opened, OpenRepositories } from '../open-repositories.js';
import { readHead } from '../../cluster/member/decisions.js';
import { PeerDispatch, TOPICS } from '../../cluster/peers/dispatch.js';
import type { Membership } from '../../cluster/join-cluster.js';
import type { ClusterMember } from '../../cluster/member/member.js';
import { formatHistory, parseHistory } from './history-name.js';
import { RootCandidacy } from './root-candidacy.js';

/** Where a closed repository stands. */
export interface Resting {
  readonly term: number;
  readonly at: Position;
}

/** A repository that servers have together. */
export interface Replicated {
  readonly id: string;
  /** The servers that it was created for. */
  readonly founders: readonly string[];
  /** What its history begins with was not made here. */
  readonly joining?: boolean;
}

/** A repository that is open, and in a cluster as far as it has a member. */
export interface OpenHistory extends Opened {
  readonly member?: ClusterMember | undefined;
}

interface RootClusterOptions {
  readonly transport: PeerTransport;
  readonly decisions: DecisionLog;
  readonly lock: LeaderLock;
  /** What may be opened; asked once requests come. */
  readonly repositories: () => Pick<OpenRepositories<OpenHistory>, 'hold' | 'visit' | 'owe' | 'open'>;
  /** The names of all repositories. */
  readonly list: () => Promise<readonly string[]>;
  /** What tells a repository's history from others; null where there is no repository of that name, or it is served alone. */
  readonly lookUp: (name: string) => Promise<Replicated | null>;
  /** Where one rests that this process has not opened yet; null where that is not known. */
  readonly restOf: (name: string) => Promise<Resting | null>;
  /** Keeps the addresses of servers that operators tell of. */
  readonly met?: MetServers;
  /** Called when this server begins to lead the root. */
  readonly won?: () => void;
  readonly log: Log;
  /** Milliseconds between tries for the lock. */
  readonly interval?: number;
}

/**
 * One server's part in a cluster of roots: what the repositories below it share. Each repository has a history of its own; all have one lock, one
 * decision log, and one way to the other servers, whose messages open what is closed.
 */
export class RootCluster {
  readonly dispatch: PeerDispatch;
  readonly candidacy: RootCandidacy;
  /** Where those stand that are closed: of them, a leader that asks whether they are level is answered without opening them. */
  private readonly resting = new Map<string, Resting>();
  /** Whether the repository of an id was removed: it is not opened any more, though its folder may still be there. */
  isRemoved: (id: string) => boolean = () => false;
  private seen: string | null = null;
  private closed = false;

  constructor(private readonly options: RootClusterOptions) {
    const { transport, lock, decisions, log, interval } = options;
    this.dispatch = new PeerDispatch(transport, (request, served) => this.admit(request, served), options.met);
    this.candidacy = new RootCandidacy({
      ...{ lock, log, name: transport.self, shared: decisions.capabilities.shared },
      changed(term) {
        if (term === null) log.warn('cluster.root-lost');
        else log.info('cluster.root-won', { term });
        if (term !== null) options.won?.();
      },
      ...(interval === undefined ? {} : { interval }),
    });
  }

  /** This server's name. */
  get self(): string {
    return this.options.transport.self;
  }

  /** The server that leads; null where nobody does as far as can be told. `founders` are those of one repository. */
  async leader(founders: readonly string[] = this.options.transport.servers): Promise<string | null> {
    if (this.candidacy.term !== null && this.options.decisions.capabilities.shared) return this.self;
    if (!this.options.decisions.capabilities.shared) return founders[0] ?? null;
    const holder = await this.options.lock.holder().catch(() => null); // for people only
    return holder?.name ?? null;
  }

  /** Why writes go to another server; null where this one leads. */
  async standby(): Promise<string | null> {
    const leader = await this.leader();
    return leader === this.self ? null : `standby: ${leader === null ? 'nobody leads' : `the leader is ${leader}`}`;
  }

  /** The names of all servers, this one too. */
  get servers(): readonly string[] {
    return this.options.transport.servers;
  }

  /** Whether another server takes over by itself when this one is lost. */
  get takesOver(): boolean {
    return this.options.decisions.capabilities.shared && this.options.lock.capabilities.multiHost;
  }

  /** The repositories that servers have together, with what is known of each. */
  async repositories(): Promise<
    readonly {
      readonly name: string;
      readonly history: string;
      readonly member: ClusterMember | undefined;
      readonly rest: Resting | null;
    }[]
  > {
    const { list, repositories } = this.options;
    const { open } = repositories();
    const found = (await list()).map(async (name) => {
      const here = await this.lookUp(name);
      if (here === null) return [];
      const history = historyOf(name, here.id);
      return [{ name, history, member: open.get(name)?.member, rest: this.resting.get(history) ?? null }];
    });
    return (await Promise.all(found)).flat();
  }

  /** The server that has the decision log; null where all reach it. */
  ownerOf(servers: readonly string[]): string | null {
    return this.options.decisions.capabilities.shared ? null : ([...servers].sort()[0] ?? null);
  }

  /** What tells a repository's history from others; null where it is served alone. Throws `NOT_FOUND` for one that was removed. */
  async find(name: string): Promise<Replicated | null> {
    const found = await this.options.lookUp(name);
    if (found === null || !this.isRemoved(found.id)) return found;
    throw new KvError('NOT_FOUND', `the repository '${name}' was removed`);
  }

  private lookUp(name: string): Promise<Replicated | null> {
    return this.find(name).catch(() => null); // it was removed
  }

  /** Who led when that was seen last; looks again. */
  private leaderSeen(founders: readonly string[]): string | null {
    void this.leader(founders).then((leader) => {
      this.seen = leader;
    });
    return this.seen === this.self ? null : this.seen;
  }

  /** How a repository takes part. */
  membershipOf(name: string, { id, founders, joining = false }: Replicated): Membership {
    const { decisions, lock } = this.options;
    const repository = historyOf(name, id);
    return {
      ...{ repository, founders, joining },
      root: {
        ...{ decisions, lock },
        contend: (candidate) => this.candidacy.enter(repository, candidate),
        leaderSeen: () => this.leaderSeen(founders),
        isTo: () => this.candidacy.isTo(repository),
        holder: async () => {
          const leader = await this.leader(founders);
          return leader === null ? null : { name: leader, term: 0 };
        },
      },
    };
  }

  /** A repository is being opened. */
  opening({ repository }: Membership): void {
    this.resting.delete(repository);
  }

  /** Where a repository rests that is to be closed; null while something of it is under way, or it has parted. */
  restOf(member: ClusterMember): Resting | null {
    const { term, applied, diverged } = member.state;
    if (diverged !== null || !member.settled || applied.sequence < 0) return null;
    return { term, at: { sequence: applied.sequence, digest: applied.digest } };
  }

  /** A repository was closed. */
  left({ repository }: Membership, rest: Resting | null): void {
    if (rest === null) this.resting.delete(repository);
    else this.resting.set(repository, rest);
  }

  /** Has those opened that are closed while more was decided of them, as while this server was away. Never throws. */
  async sweep(): Promise<void> {
    const { list, log } = this.options;
    try {
      for (const name of await list()) {
        if (this.closed) return;
        if (await this.isBehind(name)) this.options.repositories().owe(name);
      }
    } catch (error) {
      if (!this.closed) log.warn('cluster.unswept', { message: toKvError(error).message }); // the next one looks again
    }
  }

  /** Gives the lock up; repositories are closed by then. */
  async close(): Promise<void> {
    this.closed = true;
    await this.candidacy.close();
  }

  private async isBehind(name: string): Promise<boolean> {
    const { repositories, restOf, transport, decisions } = this.options;
    if (repositories().open.has(name)) return false;
    const found = await this.lookUp(name);
    if (found === null) return false;
    const history = historyOf(name, found.id);
    const rest = this.resting.get(history) ?? (await restOf(name));
    if (rest === null) return false; // it was not at rest: it is opened anyway
    const recorded = await readHead(decisions, transport, history, found.founders[0] ?? this.self);
    if (repositories().open.has(name)) return false; // meanwhile
    this.resting.set(history, rest);
    return recorded !== null && recorded.head.sequence > rest.at.sequence;
  }

  /** Opens what a request is about, or answers it where that takes no opening. */
  private async admit(request: ReceivedRequest, served: boolean): Promise<(() => void) | PeerAnswer> {
    const { repositories, decisions } = this.options;
    const history = parseHistory(request.repository);
    const absent = (): KvError => new KvError('NOT_FOUND', `server ${this.self} has no such repository`);
    if (history === null) throw absent();
    const name = `${history.owner}/${history.name}`;
    if (served) {
      const leave = repositories().hold(name);
      if (leave !== null) return leave;
    }
    if (request.topic === TOPICS.head)
      return { body: Buffer.from(JSON.stringify({ recorded: await decisions.read(request.repository) })) };
    const report = this.reportTo(request);
    if (report !== null) return report;
    if ((await this.lookUp(name))?.id !== history.id) throw absent();
    return (await repositories().visit(name)).leave;
  }

  /** Says of a closed repository that it is level, where a leader says what was decided and it is. */
  private reportTo({ topic, repository, body }: ReceivedRequest): PeerAnswer | null {
    const rest = this.resting.get(repository);
    if (rest === undefined || topic !== TOPICS.replica || body[0] !== 0x30) return null;
    const message = decodeMessage(body.subarray(1));
    if (message.kind !== 'outcome' || !isAt(message.head, rest.at) || message.term < rest.term) return null;
    this.resting.set(repository, { ...rest, term: message.term });
    const report: Message = { kind: 'report', term: message.term, at: rest.at, diverged: null };
    return { body: Buffer.from(JSON.stringify({ messages: [report] })) };
  }
}

const historyOf = (name: string, id: string): string => {
  const [owner = '', rest = ''] = name.split('/');
  return formatHistory({ owner, name: rest, id });
};
