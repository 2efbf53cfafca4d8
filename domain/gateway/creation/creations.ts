import { KvError } from '../../../ports/error.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { foldedName } from '../../../ports/grammar/repository-name.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { newRepositoryId } from '../../ledger/repository-id.js';
import { newUlid } from '../../ledger/ulid.js';
import { Mutex } from '../mutex.js';
import {
  type Creation,
  type CreationAnswer,
  type CreationMessage,
  goesBefore,
  type Outcome,
  type Reservation,
  type Vote,
} from './records.js';
import type { CreationObserver, CreationPeers, CreationStore } from './store.js';

interface CreationsOptions {
  /** This server's name. */
  readonly self: string;
  readonly store: CreationStore;
  readonly peers: CreationPeers;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly observer: CreationObserver;
}

/** What became of a request to create a repository. */
export interface Created {
  readonly repository: string;
  /** How many other servers have made it. */
  readonly peersConfirmed: number;
  /** Whether a majority has. */
  readonly replicated: boolean;
}

/** How often a creation is tried that met another one of the same name. */
const TRIES = 5;
/** Between two tries, ms; each time longer. */
const PAUSE_MS = 40;
/** So many creations are told at once to a server that was away. */
const PAGE = 100;
/** The policies in a page, characters. */
const PAGE_SIZE = 4 * 1024 ** 2;

/**
 * Creates repositories on all servers or on none: two phases. A name is reserved on a majority of the servers, durably; then the server that
 * was asked notes its decision, which is the commit point; then everybody makes the repository. A server that was away learns of it later.
 *
 * Of two servers that create one name at the same moment, the one that began later gives way, as long as it hasn't decided. Whoever has reserved
 * a name and hears no more asks the server that decides, and waits for it.
 */
export class Creations {
  /** By folded name. */
  private readonly reserved = new Map<string, Reservation>();
  private readonly log: Creation[] = [];
  private readonly logged = new Set<string>();
  /** The creations that this server is about to decide, and may still give up. */
  private readonly undecided = new Set<string>();
  /** One after the other: what is looked at is what is changed. */
  private readonly door = new Mutex();
  /** How far the log of each other server has been read. */
  private readonly cursors = new Map<string, number>();
  private readonly diverged = new Set<string>();

  constructor(private readonly options: CreationsOptions) {}

  /** Takes up what was kept: finishes what was decided, gives up what this server had not decided. */
  async start(): Promise<void> {
    const { store, self } = this.options;
    for (const creation of await store.created()) this.note(creation);
    for (const reservation of await store.reservations()) {
      const { creation, state } = reservation;
      this.reserved.set(foldedName(creation.repository), reservation);
      if (state === 'decided') await this.finish(creation);
      else if (creation.coordinator === self) await this.giveUp(creation);
    }
  }

  /**
   * Creates a repository. Throws `CAS_CONFLICT` when the name is taken or somebody else was faster, `IO_ERROR` (details `quorum`, `votes`)
   * when no majority of the servers answers, and what can't be made here.
   */
  async create(repository: string, policy: string, objectFormat: ObjectFormat): Promise<Created> {
    const { clock, randomness, self } = this.options;
    const servers = this.servers();
    const begun = newUlid(clock, randomness);
    for (let tried = 1; ; tried += 1) {
      const id = `${begun}-${tried}`;
      const creation = { id, repository, policy, objectFormat, repositoryId: newRepositoryId(randomness), coordinator: self, ...servers };
      const outcome = await this.attempt(creation);
      if (typeof outcome !== 'string') return outcome;
      if (tried === TRIES || outcome === 'gave way')
        throw new KvError('CAS_CONFLICT', `'${repository}' is being created by another server`, {
          hint: 'look whether it is there, and try again',
        });
      await clock.sleep(PAUSE_MS * tried * (1 + (randomness.bytes(1)[0] ?? 0) / 256));
    }
  }

  /** Answers another server. */
  async answer(message: CreationMessage): Promise<CreationAnswer> {
    switch (message.kind) {
      case 'prepare':
        return { kind: 'vote', vote: await this.alone(() => this.vote(message.creation, message.servers)) };
      case 'commit':
        await this.alone(() => this.commit(message.creation));
        return { kind: 'done' };
      case 'abort':
        await this.alone(() => this.abort(message));
        return { kind: 'done' };
      case 'outcome':
        return { kind: 'outcome', outcome: this.outcomeOf(message) };
      case 'since':
        return { kind: 'created', creations: this.pageAfter(message.after), last: this.log.length };
    }
  }

  /** Asks the others for what was created meanwhile, and for what became of what is reserved here. To be called at times; never throws. */
  async tick(): Promise<void> {
    const { peers, observer } = this.options;
    const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
      work().catch((error: unknown) => observer.failed(what, error));
    await Promise.all(peers.known().map((peer) => attempt(`ask ${peer} what it has created`, () => this.catchUp(peer))));
    for (const { creation, state } of [...this.reserved.values()]) {
      if (this.undecided.has(creation.id)) continue;
      await attempt(`settle ${creation.repository}`, () => this.settle(creation, state));
    }
  }

  /** The names that are kept for creations of which this server doesn't know yet what they come to. */
  get inDoubt(): readonly string[] {
    const { self } = this.options;
    return [...this.reserved.values()].flatMap(({ creation, state }) =>
      state === 'prepared' && creation.coordinator !== self ? [creation.repository] : [],
    );
  }

  /** The repositories that stand here and at another server, and are not the same. */
  get parted(): readonly string[] {
    return [...this.diverged].sort();
  }

  private servers(): Pick<Creation, 'servers'> {
    const { peers } = this.options;
    const servers = peers.servers?.();
    if (servers === undefined) return {};
    if (servers !== null) return { servers: [...servers].sort() };
    throw new KvError('IO_ERROR', `of ${peers.count + 1} servers, some have never been heard of`, {
      hint: 'nothing was created: each server must have been started once',
      details: { quorum: Math.floor((peers.count + 1) / 2) + 1, servers: peers.count + 1 },
    });
  }

  private async attempt(creation: Creation): Promise<Created | 'contested' | 'gave way'> {
    const { peers, store } = this.options;
    const { id, repository } = creation;
    const quorum = Math.floor((peers.count + 1) / 2) + 1;
    const begun = await this.alone(async () => {
      store.check(creation);
      await this.requireFree(repository);
      if (this.reserved.has(foldedName(repository))) return false;
      await this.reserve({ creation, state: 'prepared' });
      this.undecided.add(id);
      return true;
    });
    if (!begun) return 'contested';
    const votes = await this.askAll({ kind: 'prepare', creation, servers: peers.count + 1 }, (answer) =>
      answer.kind === 'vote' ? answer.vote : null,
    );
    const yes = 1 + votes.filter((vote) => vote === 'yes').length;
    if (yes >= quorum && (await this.decide(creation))) {
      const [done] = await Promise.all([
        this.askAll({ kind: 'commit', creation }, (answer) => (answer.kind === 'done' ? answer.kind : null)),
        this.alone(() => this.finish(creation)), // where it fails, the next look does it again: it is decided
      ]);
      const peersConfirmed = done.filter((one) => one === 'done').length;
      return { repository, peersConfirmed, replicated: peersConfirmed + 1 >= quorum };
    }
    const gaveWay = this.reserved.get(foldedName(repository))?.creation.id !== id;
    this.undecided.delete(id);
    await this.alone(() => this.giveUp(creation));
    await this.askAll({ kind: 'abort', id, repository }, () => null);
    if (gaveWay) return 'gave way';
    if (votes.includes('exists'))
      throw new KvError('CAS_CONFLICT', `there is a repository '${repository}' at another server`, {
        hint: 'choose another name',
      });
    if (votes.includes('invalid'))
      throw new KvError('INPUT_INVALID', `another server can't make '${repository}'`, {
        hint: "see that server's log: it may have been told of other servers",
      });
    if (votes.includes('reserved')) return 'contested';
    throw new KvError(
      'IO_ERROR',
      `${yes} of ${peers.count + 1} servers answer, and ${quorum} are needed to create a repository`,
      {
        hint: 'nothing was created: try again when more servers can be reached',
        details: { quorum, votes: yes, servers: peers.count + 1 },
      },
    );
  }

  /** The commit point: from here on the repository is made. False when it has given way. */
  private async decide(creation: Creation): Promise<boolean> {
    const { id, repository } = creation;
    return this.alone(async () => {
      if (!this.undecided.delete(id)) return false; // from here on it gives way to nobody
      try {
        await this.reserve({ creation, state: 'decided' });
        return true;
      } catch (error) {
        await this.giveUp(creation); // where that can't be written either, the next look does it
        await this.askAll({ kind: 'abort', id, repository }, () => null);
        throw error;
      }
    });
  }

  private async vote(creation: Creation, servers: number): Promise<Vote> {
    const { store, peers, observer } = this.options;
    if (this.logged.has(creation.id)) return 'yes';
    try {
      store.check(creation);
      if (servers !== peers.count + 1)
        throw new KvError(
          'CONFIG_INVALID',
          `${creation.coordinator} was told of ${servers} servers, and this one of ${peers.count + 1}`,
        );
      if (creation.servers !== undefined && !creation.servers.includes(this.options.self))
        throw new KvError('CONFIG_INVALID', `${creation.coordinator} does not know of this server`);
    } catch (error) {
      observer.failed(`vote for ${creation.repository}`, error);
      return 'invalid';
    }
    const other = this.reserved.get(foldedName(creation.repository));
    if (other?.creation.id === creation.id) return 'yes';
    if (other?.state === 'decided' || (await store.taken(creation.repository)) !== null) return 'exists';
    if (other !== undefined && !(this.undecided.has(other.creation.id) && goesBefore(creation, other.creation)))
      return 'reserved';
    if (other !== undefined) this.undecided.delete(other.creation.id); // its own gives way
    await this.reserve({ creation, state: 'prepared' });
    return 'yes';
  }

  /** A majority has reserved this creation's name, so no other one of that name can be decided. */
  private async commit(creation: Creation): Promise<void> {
    const { store } = this.options;
    if (this.logged.has(creation.id)) return;
    store.check(creation);
    const other = this.reserved.get(foldedName(creation.repository));
    if (other !== undefined) this.undecided.delete(other.creation.id);
    await this.reserve({ creation, state: 'decided' });
    await this.finish(creation);
  }

  private async abort({ id, repository }: { readonly id: string; readonly repository: string }): Promise<void> {
    const there = this.reserved.get(foldedName(repository));
    if (there?.creation.id === id && there.state === 'prepared') await this.giveUp(there.creation);
  }

  private pageAfter(after: number): Creation[] {
    const page: Creation[] = [];
    let size = 0;
    for (const creation of this.log.slice(after, after + PAGE)) {
      size += creation.policy.length;
      if (page.length > 0 && size > PAGE_SIZE) break;
      page.push(creation);
    }
    return page;
  }

  private outcomeOf({ id, repository }: { readonly id: string; readonly repository: string }): Outcome {
    const there = this.reserved.get(foldedName(repository));
    if (this.logged.has(id) || (there?.creation.id === id && there.state === 'decided')) return 'decided';
    // What this server has decided it still knows; what it doesn't know, it hasn't decided.
    return there?.creation.id === id ? 'pending' : 'aborted';
  }

  private async settle(creation: Creation, state: Reservation['state']): Promise<void> {
    const { peers, self } = this.options;
    if (state === 'decided') return this.alone(() => this.finish(creation));
    if (creation.coordinator === self) return this.alone(() => this.abort(creation));
    const answer = await peers.ask(creation.coordinator, { kind: 'outcome', id: creation.id, repository: creation.repository });
    if (answer.kind !== 'outcome' || answer.outcome === 'pending') return;
    await this.alone(() => (answer.outcome === 'decided' ? this.commit(creation) : this.abort(creation)));
  }

  private async catchUp(peer: string): Promise<void> {
    const { peers, store, observer } = this.options;
    for (let after = this.cursors.get(peer) ?? 0; ; ) {
      const answer = await peers.ask(peer, { kind: 'since', after });
      if (answer.kind !== 'created') return;
      if (answer.last < after) {
        after = 0; // its disk was lost: it begins anew
        this.cursors.set(peer, 0);
        if (answer.last === 0) return;
        continue;
      }
      for (const creation of answer.creations) {
        await this.alone(async () => {
          if (this.logged.has(creation.id)) return;
          const there = await store.taken(creation.repository);
          const isIt = this.reserved.get(foldedName(creation.repository))?.creation.id === creation.id;
          if (there !== null && !isIt) {
            if (!this.diverged.has(creation.repository)) observer.diverged(creation.repository, peer);
            this.diverged.add(creation.repository);
            return;
          }
          await this.commit(creation);
          observer.learned(creation, peer);
        });
        after += 1;
        this.cursors.set(peer, after);
      }
      if (answer.creations.length === 0 || after >= answer.last) return;
    }
  }

  private async finish(creation: Creation): Promise<void> {
    const { store } = this.options;
    if (!this.logged.has(creation.id)) {
      await store.make(creation);
      await store.append(creation);
      this.note(creation);
    }
    await this.giveUp(creation);
  }

  private async giveUp({ id, repository }: Creation): Promise<void> {
    const name = foldedName(repository);
    if (this.reserved.get(name)?.creation.id !== id) return;
    await this.options.store.drop(repository);
    this.reserved.delete(name);
  }

  private async reserve(reservation: Reservation): Promise<void> {
    await this.options.store.reserve(reservation);
    this.reserved.set(foldedName(reservation.creation.repository), reservation);
  }

  private async requireFree(repository: string): Promise<void> {
    const taken = await this.options.store.taken(repository);
    if (taken === null) return;
    const why = taken === repository ? '' : `, which differs from '${repository}' in case alone`;
    throw new KvError('CAS_CONFLICT', `there is a repository '${taken}'${why}`, { hint: 'choose another name' });
  }

  private note(creation: Creation): void {
    if (this.logged.has(creation.id)) return;
    this.logged.add(creation.id);
    this.log.push(creation);
  }

  /** Asks all whose names are known; null for each that doesn't answer as it should. */
  private async askAll<T>(message: CreationMessage, read: (answer: CreationAnswer) => T | null): Promise<(T | null)[]> {
    const { peers, observer } = this.options;
    return Promise.all(
      peers.known().map((peer) =>
        peers.ask(peer, message).then(read, (error: unknown) => {
          observer.failed(`${message.kind} at ${peer}`, error);
          return null;
        }),
      ),
    );
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.door.acquire();
    try {
      return await work();
    } finally {
      leave();
    }
  }
}
