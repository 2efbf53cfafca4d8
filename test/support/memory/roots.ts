import { DecisionPlace, openMemoryDecisions } from '../../../adapters/decision-memory/open.js';
import { memoryExchange } from '../../../adapters/git-memory/open-exchange.js';
import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { JournalPlace, openMemoryJournal } from '../../../adapters/journal-memory/open.js';
import { LockPlace, openMemoryLock } from '../../../adapters/lock-memory/open.js';
import { openMemoryPeers, PeerPlace } from '../../../adapters/peer-memory/open.js';
import { type ClusterMember, openMember } from '../../../apps/stargate/cluster/member/member.js';
import type { Replicated } from '../../../apps/stargate/root/cluster/root-cluster.js';
import { type Resting, RootCluster } from '../../../apps/stargate/root/cluster/root-cluster.js';
import { type Opened, OpenRepositories } from '../../../apps/stargate/root/open-repositories.js';
import type { ProposalAnswer } from '../../../domain/gateway/replicate/effects.js';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import { commit, files } from '../../contracts/git-objects.js';
import { SILENT } from '../silent-log.js';
import { until } from '../until.js';

const TICK_MS = 10;

/** What lies on one server's disk of one repository. */
interface Disk extends Replicated {
  readonly store: GitMemoryStore;
  readonly journal: JournalPlace;
  rest: Resting | null;
}

/** A repository that is open. */
interface OpenOne extends Opened {
  readonly member: ClusterMember;
}

/** One server of a cluster of roots: its disks outlive it. */
export class MemoryRoot {
  readonly disks = new Map<string, Disk>();
  cluster: RootCluster | null = null;
  /** The newest attempt that was made. */
  attempt = 0;
  repositories: OpenRepositories<OpenOne> | null = null;
  private end: () => Promise<void> = async () => undefined;

  constructor(
    private readonly world: MemoryRoots,
    readonly name: string,
  ) {}

  /** Makes a repository, as its creation does on each server. */
  make(repository: string, { id = idOf(repository), joining = false } = {}): void {
    const store = new GitMemoryStore('sha1');
    this.disks.set(repository, { store, journal: new JournalPlace(), id, founders: this.world.names, joining, rest: null });
  }

  /** Starts, where the disks say. At most `most` repositories are open at a time, each for `idle` ms after its last use. */
  async start({ most = 8, idle = 60_000 }: { readonly most?: number; readonly idle?: number } = {}): Promise<void> {
    const { peers, decisions, lock } = this.world;
    const transport = openMemoryPeers({ place: peers, self: this.name, timeoutMs: 500 });
    const own = this.world.counted(openMemoryLock(lock));
    const cluster = new RootCluster({
      ...{ transport, decisions: openMemoryDecisions(decisions), lock: own, log: SILENT, interval: 3 * TICK_MS },
      repositories: () => repositories,
      list: async () => [...this.disks.keys()],
      lookUp: async (name) => this.disks.get(name) ?? null,
      restOf: async (name) => this.disks.get(name)?.rest ?? null,
    });
    const repositories: OpenRepositories<OpenOne> = new OpenRepositories<OpenOne>({
      ...{ most, idle, log: SILENT },
      open: (name) => this.open(cluster, name),
    });
    await cluster.dispatch.start();
    const tidying = setInterval(() => void repositories.tidy(), 50);
    this.cluster = cluster;
    this.repositories = repositories;
    this.end = async () => {
      clearInterval(tidying);
      await transport.close();
      await repositories.close();
      await cluster.close();
      await own.close();
    };
  }

  /** Stops; what it was saying is lost. */
  async stop(): Promise<void> {
    this.cluster = null;
    this.repositories = null;
    await this.end();
    this.end = async () => undefined;
  }

  /** Has a repository's branch written, as a push does: opened if it isn't, and led if this server leads. */
  async write(repository: string, branch: string, content: string): Promise<ProposalAnswer> {
    const { repositories, cluster } = this;
    if (repositories === null || cluster === null) return { outcome: 'unknown' };
    const { repository: opened, leave } = await repositories.visit(repository);
    try {
      const { member } = opened;
      if (cluster.candidacy.term !== null) await until('it leads', () => member.state.leading !== null, { ms: 5000 });
      const { store } = this.disks.get(repository) as Disk; // it is open
      const ref = `refs/heads/${branch}`;
      const old = (await store.refs([ref])).get(ref) ?? null;
      const { root, objects } = files('sha1', { file: content });
      const made = commit('sha1', { tree: root, time: 1_700_000_000, parents: old === null ? [] : [old] });
      await store.write([...objects, made]);
      const id = `01J${String(++this.world.proposals).padStart(23, '0')}`;
      const answer = await member.propose({ id, updates: [{ ref, old, next: made.oid }], events: [], ack: 'quorum' });
      this.attempt = member.state.proposed.attempt;
      return answer;
    } finally {
      leave();
    }
  }

  /** A repository's branches here. */
  async refs(repository: string): Promise<string> {
    const refs = await this.disks.get(repository)?.store.refs(['refs/heads/']);
    return [...(refs ?? [])].map(([ref, oid]) => `${ref} ${oid}`).join('\n');
  }

  private async open(cluster: RootCluster, name: string): Promise<OpenOne> {
    const disk = this.disks.get(name);
    if (disk === undefined) throw new Error(`${this.name} has no ${name}`);
    const membership = cluster.membershipOf(name, disk);
    const { root } = membership;
    if (root === undefined) throw new Error('it is of a root');
    cluster.opening(membership);
    disk.rest = null;
    this.world.openings += 1;
    const member = await openMember({
      ...{ dispatch: cluster.dispatch, repository: membership.repository, founders: disk.founders, tickMs: TICK_MS },
      founds: disk.joining !== true,
      ...{ owner: disk.founders[0] as string, store: disk.store, exchange: memoryExchange(disk.store) },
      ...{ journal: openMemoryJournal(disk.journal), decisions: root.decisions, lock: root.lock },
      contend: (candidate) => root.contend(candidate),
      ...{ hasher: nodeHasher(), log: SILENT },
      clock: { now: () => Date.now(), sleep: () => Promise.reject(new Error('nobody sleeps')) },
    });
    void member.look();
    return {
      member,
      owes: () => !member.settled,
      async close() {
        const rest = cluster.restOf(member);
        await member.close();
        cluster.left(membership, rest);
        disk.rest = rest;
      },
    };
  }
}

/** Servers of one process, each with a root of repositories. */
export class MemoryRoots {
  readonly peers = new PeerPlace();
  readonly decisions = new DecisionPlace();
  readonly lock = new LockPlace();
  readonly servers: MemoryRoot[];
  proposals = 0;
  /** How often a repository was opened. */
  openings = 0;
  /** How many leases were granted. */
  leases = 0;

  constructor(readonly names: readonly string[]) {
    this.servers = names.map((name) => new MemoryRoot(this, name));
  }

  /** A lock whose leases are counted. */
  counted(lock: LeaderLock): LeaderLock {
    const acquire = async (holder: string) => {
      const lease = await lock.acquire(holder);
      if (lease !== null) this.leases += 1;
      return lease;
    };
    return { capabilities: { multiHost: true }, acquire, holder: () => lock.holder(), close: () => lock.close() };
  }

  /** Makes repositories on all servers. */
  make(...repositories: readonly string[]): void {
    for (const server of this.servers) for (const repository of repositories) server.make(repository);
  }

  /** Whoever leads the root, once somebody does. */
  async leader(): Promise<MemoryRoot> {
    const leads = () => this.servers.find(({ cluster }) => cluster !== null && cluster.candidacy.term !== null);
    await until('a server leads', () => leads() !== undefined);
    return leads() as MemoryRoot;
  }

  /** Waits until all servers that run show the same of a repository. */
  async level(repository: string): Promise<void> {
    const running = this.servers.filter(({ cluster }) => cluster !== null);
    const same = async (): Promise<boolean> => {
      const all = await Promise.all(running.map((server) => server.refs(repository)));
      return all[0] !== '' && all.every((one) => one === all[0]);
    };
    const clue = () =>
      running
        .map(
          ({ name, repositories }) => `${name} ${JSON.stringify(repositories?.open.get(repository)?.member.state ?? 'closed')}`,
        )
        .join('\n');
    await until(`all servers show the same of ${repository}`, same, { clue });
  }

  async stop(): Promise<void> {
    for (const server of this.servers) await server.stop();
  }
}

/** An id that a name always gets. */
export const idOf = (repository: string): string => Buffer.from(repository.padEnd(16)).toString('hex').slice(0, 32);
