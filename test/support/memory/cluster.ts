import { DecisionPlace, openMemoryDecisions } from '../../../adapters/decision-memory/open.js';
import { memoryExchange } from '../../../adapters/git-memory/open-exchange.js';
import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { JournalPlace, openMemoryJournal } from '../../../adapters/journal-memory/open.js';
import { LockPlace, openMemoryLock } from '../../../adapters/lock-memory/open.js';
import { openMemoryPeers, PeerPlace } from '../../../adapters/peer-memory/open.js';
import { PeerDispatch } from '../../../apps/stargate/cluster/peers/dispatch.js';
import { type ClusterMember, openMember } from '../../../apps/stargate/cluster/member/member.js';
import type { Proposal, ProposalAnswer } from '../../../domain/gateway/replicate/effects.js';
import { TIMING } from '../../../domain/gateway/replicate/machine.js';
import type { DecisionLog } from '../../../ports/stargate/decision-log.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { commit, files } from '../../contracts/git-objects.js';
import { SILENT } from '../silent-log.js';
import { until } from '../until.js';

/** Ticks are short in tests, so that a second of the protocol's patience is soon over. */
const TICK_MS = 10;

/** One server: its disk outlives it. */
export class MemoryServer {
  readonly journal = new JournalPlace();
  /** Whether what serves the repository here could lead it. */
  mayLead = true;
  member: ClusterMember | null = null;
  private end: () => Promise<void> = async () => undefined;

  constructor(
    private readonly cluster: MemoryCluster,
    readonly name: string,
    readonly store: GitStore = new GitMemoryStore('sha1'),
  ) {}

  /** Starts, where the disk says. */
  async start(): Promise<void> {
    const { peers, decisions, lock, founders } = this.cluster;
    const transport = openMemoryPeers({ place: peers, self: this.name, timeoutMs: 500 });
    const dispatch = new PeerDispatch(transport);
    const own = openMemoryLock(lock);
    const member = await openMember({
      ...{ dispatch, repository: 'team/config', founders, owner: founders[0] as string, tickMs: TICK_MS, timing: TIMING },
      ...{ store: this.store, exchange: memoryExchange(this.store), journal: openMemoryJournal(this.journal) },
      ...{
        decisions: this.cluster.logOf(openMemoryDecisions(decisions), this.name),
        lock: own,
        hasher: nodeHasher(),
        log: SILENT,
      },
      mayLead: () => this.mayLead,
      clock: { now: () => Date.now(), sleep: () => Promise.reject(new Error('nobody sleeps')) },
    });
    await dispatch.start();
    this.member = member;
    this.end = async () => {
      await transport.close();
      await member.close();
      await own.close();
    };
  }

  /** Stops; what it was saying is lost. */
  async stop(): Promise<void> {
    this.member = null;
    await this.end();
    this.end = async () => undefined;
  }

  get leads(): boolean {
    return this.member !== null && this.member.state.leading !== null;
  }

  /** The refs that are the history's. */
  async refs(): Promise<string> {
    const refs = await this.store.refs(['refs/heads/']);
    return [...refs].map(([ref, oid]) => `${ref} ${oid}`).join('\n');
  }
}

/** A cluster in one process, of servers that have only what the protocol needs. */
export class MemoryCluster {
  readonly peers = new PeerPlace();
  readonly decisions = new DecisionPlace();
  readonly lock = new LockPlace();
  readonly servers: MemoryServer[];
  readonly founders: readonly string[];
  private proposals = 0;
  /** Only the first server reaches the decision log. */
  private alone = false;

  private constructor(names: readonly string[], store?: GitStore) {
    this.founders = names;
    this.servers = names.map((name, at) => new MemoryServer(this, name, at === 0 ? store : undefined));
  }

  /** Starts servers of which the first has content; waits for a leader. */
  static async start(...names: string[]): Promise<MemoryCluster> {
    return MemoryCluster.begin(new MemoryCluster(names));
  }

  /** The same, whose first server has this store. */
  static async startOver(store: GitStore, ...names: string[]): Promise<MemoryCluster> {
    return MemoryCluster.begin(new MemoryCluster(names, store));
  }

  /** The same, with a decision log that lies on the first server alone. */
  static async startWithoutSharedLog(...names: string[]): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(names);
    cluster.alone = true;
    return MemoryCluster.begin(cluster);
  }

  /** The decision log as a server has it. */
  logOf(log: DecisionLog, server: string): DecisionLog {
    if (!this.alone) return log;
    const away = (): never => {
      throw new Error(`${server} has no decision log`);
    };
    const own = server === this.founders[0];
    return {
      capabilities: { ...log.capabilities, shared: false },
      read: (repository) => (own ? log.read(repository) : away()),
      decide: (repository, decision) => (own ? log.decide(repository, decision) : away()),
      remove: away,
      close: () => log.close(),
    };
  }

  private static async begin(cluster: MemoryCluster): Promise<MemoryCluster> {
    const [first] = cluster.servers;
    if (first === undefined) throw new Error('a cluster has a server');
    const { objects, update } = await change(first, 'refs/heads/first', 'the founder’s');
    await first.store.write(objects);
    await first.store.updateRefs([update], 'test');
    for (const server of cluster.servers) await server.start();
    await cluster.leader();
    return cluster;
  }

  /** Another server, which is no member yet. */
  add(name: string): MemoryServer {
    const server = new MemoryServer(this, name);
    this.servers.push(server);
    return server;
  }

  /** Whoever leads, once somebody does. */
  async leader(): Promise<MemoryServer> {
    await until('a server leads', () => this.servers.some(({ leads }) => leads));
    return this.servers.find(({ leads }) => leads) as MemoryServer;
  }

  /** Has a leader write a branch; gives how that ended. */
  async write(branch: string, content: string, server?: MemoryServer): Promise<ProposalAnswer> {
    const leader = server ?? (await this.leader());
    const { objects, update } = await change(leader, `refs/heads/${branch}`, content);
    return this.propose([update], leader, undefined, objects);
  }

  /** Has a leader decide some moves, which bring objects that are nowhere yet. */
  async propose(
    updates: readonly RefUpdate[],
    server?: MemoryServer,
    change?: Proposal['change'],
    objects: readonly NewObject[] = [],
  ): Promise<ProposalAnswer> {
    const { member } = server ?? (await this.leader());
    const id = `01J${String(++this.proposals).padStart(23, '0')}`;
    const proposal = { id, updates, events: [], ack: 'quorum' } as const;
    return member === null
      ? { outcome: 'unknown' }
      : member.propose(change === undefined ? proposal : { ...proposal, change }, objects);
  }

  /** Waits until all that run show the same refs, and stand at the head. */
  async level(): Promise<void> {
    const running = this.servers.filter(({ member }) => member !== null);
    const shown = async (): Promise<boolean> => {
      const all = await Promise.all(running.map((server) => server.refs()));
      const head = this.decisions.heads.get('team/config')?.head;
      return (
        all.every((one) => one === all[0]) && running.every(({ member }) => member?.state.applied.sequence === head?.sequence)
      );
    };
    const clue = (): string => running.map(({ name, member }) => `${name} ${JSON.stringify(member?.state)}`).join('\n');
    await until('all servers are level', shown, { clue });
  }

  async stop(): Promise<void> {
    for (const server of this.servers) await server.stop();
  }
}

async function change(
  { store }: MemoryServer,
  ref: RefName,
  content: string,
): Promise<{ readonly objects: NewObject[]; readonly update: RefUpdate }> {
  const old = (await store.refs([ref])).get(ref) ?? null;
  const { root, objects } = files(store.objectFormat, { file: content });
  const parents: Oid[] = old === null ? [] : [old];
  const made = commit(store.objectFormat, { tree: root, time: 1_700_000_000, parents });
  return { objects: [...objects, made], update: { ref, old, next: made.oid } };
}
