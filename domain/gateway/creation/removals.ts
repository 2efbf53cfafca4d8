import { KvError, toKvError } from '../../../ports/error.js';
import { Mutex } from '../mutex.js';
import { majorityOf } from '../replicate/quorum.js';
import type { Removal, RemovalAnswer, RemovalMessage } from './removal-wire.js';

/** What a server keeps of removals. What changes is durable when it resolves. Throws `STORAGE_FULL`, `IO_ERROR`. */
export interface RemovalStore {
  /** What was removed, in order, at the start. */
  removed(): Promise<readonly Removal[]>;
  /** Notes that one is removed. */
  append(removal: Removal): Promise<void>;
  /** The id of the repository that stands here under a name; null where there is none. */
  idOf(repository: string): Promise<string | null>;
  /** Moves a repository aside. Throws `BUSY` while somebody uses it. */
  takeAway(removal: Removal): Promise<void>;
}

interface RemovalsOptions {
  readonly store: RemovalStore;
  /** The other servers: how many there are, those whose names are known, and how one is asked. */
  readonly peers: {
    readonly count: number;
    known(): readonly string[];
    ask(peer: string, message: RemovalMessage): Promise<RemovalAnswer>;
  };
  /** Told of what has failed and is tried again. */
  readonly failed: (what: string, error: unknown) => void;
}

/** What became of a request to remove a repository. */
export interface Removed {
  /** How many other servers know it to be removed. */
  readonly peersConfirmed: number;
  /** Whether a majority does. */
  readonly replicated: boolean;
}

/** So many removals are told at once. */
const PAGE = 500;

/**
 * Takes repositories away from all servers. That one is removed is never taken back: the server that was asked notes it, which is the commit point,
 * and tells the others, each of which notes it before it moves its repository aside. A server that was away hears of it later.
 */
export class Removals {
  private readonly log: Removal[] = [];
  private readonly ids = new Set<string>();
  /** Those that still stand here. */
  private readonly left = new Map<string, Removal>();
  private readonly cursors = new Map<string, number>();
  private readonly door = new Mutex();

  constructor(private readonly options: RemovalsOptions) {}

  /** Takes up what was kept. */
  async start(): Promise<void> {
    for (const removal of await this.options.store.removed()) await this.remember(removal);
  }

  /** Whether the repository of an id is removed. */
  has(repositoryId: string): boolean {
    return this.ids.has(repositoryId);
  }

  /**
   * Removes a repository everywhere. Throws `NOT_FOUND` where there is none, `BUSY` while it is in use here, `IO_ERROR` (details `quorum`) when no majority
   * of the servers answers: then nothing was removed.
   */
  async remove(repository: string): Promise<Removed> {
    const { store, peers } = this.options;
    const repositoryId = await store.idOf(repository);
    if (repositoryId === null) throw new KvError('NOT_FOUND', `there is no repository '${repository.slice(0, 200)}'`);
    const quorum = majorityOf(peers.count + 1);
    const there = 1 + (await this.askAll({ kind: 'since', after: Number.MAX_SAFE_INTEGER }));
    if (there < quorum)
      throw new KvError(
        'IO_ERROR',
        `${there} of ${peers.count + 1} servers answer, and ${quorum} are needed to remove a repository`,
        {
          hint: 'nothing was removed: try again when more servers can be reached',
          details: { quorum, servers: peers.count + 1 },
        },
      );
    const removal = { repository, repositoryId };
    await this.note(removal);
    const peersConfirmed = await this.askAll({ kind: 'remove', removal });
    await this.takeAway(removal);
    return { peersConfirmed, replicated: peersConfirmed + 1 >= quorum };
  }

  /** Answers another server. */
  async answer(message: RemovalMessage): Promise<RemovalAnswer> {
    if (message.kind === 'since') return { removals: this.log.slice(message.after, message.after + PAGE), last: this.log.length };
    await this.note(message.removal);
    void this.takeAway(message.removal);
    return { removals: [], last: this.log.length };
  }

  /** Asks the others for what was removed meanwhile, and goes on with what still stands here. To be called at times; never throws. */
  async tick(): Promise<void> {
    const { peers, failed } = this.options;
    await Promise.all(
      peers.known().map((peer) =>
        this.learnFrom(peer).catch((error: unknown) => {
          if (toKvError(error).code !== 'NOT_SUPPORTED') failed(`ask ${peer} what it has removed`, error); // an earlier version removes nothing
        }),
      ),
    );
    for (const removal of [...this.left.values()]) await this.takeAway(removal);
  }

  private async learnFrom(peer: string): Promise<void> {
    for (let after = this.cursors.get(peer) ?? 0; ; ) {
      const { removals, last } = await this.options.peers.ask(peer, { kind: 'since', after });
      if (last < after) {
        after = 0; // its disk was lost: it begins anew
        this.cursors.set(peer, 0);
        if (last === 0) return;
        continue;
      }
      for (const removal of removals) await this.note(removal);
      after += removals.length;
      this.cursors.set(peer, after);
      if (removals.length === 0 || after >= last) return;
    }
  }

  private async note(removal: Removal): Promise<void> {
    const leave = await this.door.acquire();
    try {
      if (this.ids.has(removal.repositoryId)) return;
      await this.options.store.append(removal);
      await this.remember(removal);
    } finally {
      leave();
    }
  }

  private async remember(removal: Removal): Promise<void> {
    this.log.push(removal);
    this.ids.add(removal.repositoryId);
    if ((await this.options.store.idOf(removal.repository)) === removal.repositoryId)
      this.left.set(removal.repositoryId, removal);
  }

  private async takeAway(removal: Removal): Promise<void> {
    if (!this.left.has(removal.repositoryId)) return;
    try {
      await this.options.store.takeAway(removal);
      this.left.delete(removal.repositoryId);
    } catch (error) {
      this.options.failed(`remove ${removal.repository}`, error); // it is tried again at the next tick
    }
  }

  private async askAll(message: RemovalMessage): Promise<number> {
    const { peers, failed } = this.options;
    const asked = peers.known().map((peer) =>
      peers.ask(peer, message).then(
        () => true,
        (error: unknown) => {
          failed(`${message.kind} at ${peer}`, error);
          return false;
        },
      ),
    );
    return (await Promise.all(asked)).filter((one) => one).length;
  }
}
