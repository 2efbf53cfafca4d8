import { KvError } from '../../../ports/error.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { newRepositoryId } from '../../ledger/repository-id.js';
import { newUlid } from '../../ledger/ulid.js';
import { majorityOf } from '../replicate/quorum.js';
import { CatchUp } from './catch-up.js';
import { Names } from './names.js';
import { type Creation, type CreationAnswer, type CreationMessage, goesBefore, type Vote } from './records.js';
import type { CreationObserver, CreationPeers, CreationStore } from './store.js';

interface CreationsOptions {
  /** This server's name. */
  readonly self: string;
  readonly store: CreationStore;
  readonly peers: CreationPeers;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly observer: CreationObserver;
  /** Whether the repository of an id was removed since. */
  readonly isRemoved?: (repositoryId: string) => boolean;
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

/**
 * Creates repositories on all servers or on none: two phases. A name is reserved on a majority of the servers, durably; then the server that
 * was asked notes its decision, which is the commit point; then everybody makes the repository. A server that was away learns of it later.
 *
 * Of two servers that create one name at the same moment, the one that began later gives way, as long as it hasn't decided. Whoever has reserved
 * a name and hears no more asks the server that decides, and waits for it.
 */
export class Creations {
  private readonly names: Names;
  private readonly catchUp: CatchUp;

  constructor(private readonly options: CreationsOptions) {
    this.names = new Names(options.self, options.store);
    this.catchUp = new CatchUp({ ...options, names: this.names });
  }

  /** Takes up what was kept: finishes what was decided, gives up what this server had not decided. */
  start(): Promise<void> {
    return this.names.start();
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
      const creation = {
        id,
        repository,
        policy,
        objectFormat,
        repositoryId: newRepositoryId(randomness),
        coordinator: self,
        ...servers,
      };
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
    const { names } = this;
    switch (message.kind) {
      case 'prepare':
        return { kind: 'vote', vote: await names.alone(() => this.vote(message.creation, message.servers)) };
      case 'commit':
        await names.alone(() => names.commit(message.creation));
        return { kind: 'done' };
      case 'abort':
        await names.alone(() => names.abort(message));
        return { kind: 'done' };
      case 'outcome':
        return { kind: 'outcome', outcome: names.outcomeOf(message) };
      case 'since':
        return { kind: 'created', ...names.pageAfter(message.after) };
    }
  }

  /** Asks the others for what was created meanwhile, and for what became of what is reserved here. To be called at times; never throws. */
  tick(): Promise<void> {
    return this.catchUp.tick();
  }

  /** The names that are kept for creations of which this server doesn't know yet what they come to. */
  get inDoubt(): readonly string[] {
    const { self } = this.options;
    return this.names
      .reservations()
      .flatMap(({ creation, state }) => (state === 'prepared' && creation.coordinator !== self ? [creation.repository] : []));
  }

  /** The repositories that stand here and at another server, and are not the same. */
  get parted(): readonly string[] {
    return this.catchUp.parted;
  }

  private servers(): Pick<Creation, 'servers'> {
    const { peers } = this.options;
    const servers = peers.servers?.();
    if (servers === undefined) return {};
    if (servers !== null) return { servers: [...servers].sort() };
    throw new KvError('IO_ERROR', `of ${peers.count + 1} servers, some have never been heard of`, {
      hint: 'nothing was created: each server must have been started once',
      details: { quorum: majorityOf(peers.count + 1), servers: peers.count + 1 },
    });
  }

  private async attempt(creation: Creation): Promise<Created | 'contested' | 'gave way'> {
    const { peers, store } = this.options;
    const { names } = this;
    const { id, repository } = creation;
    const quorum = majorityOf(peers.count + 1);
    const begun = await names.alone(async () => {
      store.check(creation);
      await names.requireFree(repository);
      if (names.reservationOf(repository) !== undefined) return false;
      await names.reserve({ creation, state: 'prepared' });
      names.undecided.add(id);
      return true;
    });
    if (!begun) return 'contested';
    const asked = peers.known();
    const votes = await this.askAll({ kind: 'prepare', creation, servers: peers.count + 1 }, (answer) =>
      answer.kind === 'vote' ? answer.vote : null,
    );
    const yes = 1 + votes.filter((vote) => vote === 'yes').length;
    const needed = peers.needed?.() ?? null;
    const isMissing = needed !== null && needed !== this.options.self && votes[asked.indexOf(needed)] !== 'yes';
    if (yes >= quorum && !isMissing && (await this.decide(creation))) {
      const [done] = await Promise.all([
        this.askAll({ kind: 'commit', creation }, (answer) => (answer.kind === 'done' ? answer.kind : null)),
        names.alone(() => names.finish(creation)), // where it fails, the next look does it again: it is decided
      ]);
      const peersConfirmed = done.filter((one) => one === 'done').length;
      return { repository, peersConfirmed, replicated: peersConfirmed + 1 >= quorum };
    }
    const gaveWay = names.reservationOf(repository)?.creation.id !== id;
    names.undecided.delete(id);
    await names.alone(() => names.giveUp(creation));
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
      isMissing
        ? `server ${needed} does not answer, which has the decision log`
        : `${yes} of ${peers.count + 1} servers answer, and ${quorum} are needed to create a repository`,
      {
        hint: 'nothing was created: try again when more servers can be reached',
        details: { quorum, votes: yes, servers: peers.count + 1 },
      },
    );
  }

  /** The commit point: from here on the repository is made. False when it has given way. */
  private async decide(creation: Creation): Promise<boolean> {
    const { names } = this;
    const { id, repository } = creation;
    return names.alone(async () => {
      if (!names.undecided.delete(id)) return false; // from here on it gives way to nobody
      try {
        await names.reserve({ creation, state: 'decided' });
        return true;
      } catch (error) {
        await names.giveUp(creation); // where that can't be written either, the next look does it
        await this.askAll({ kind: 'abort', id, repository }, () => null);
        throw error;
      }
    });
  }

  private async vote(creation: Creation, servers: number): Promise<Vote> {
    const { store, peers, observer } = this.options;
    const { names } = this;
    if (names.has(creation)) return 'yes';
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
    const other = names.reservationOf(creation.repository);
    if (other?.creation.id === creation.id) return 'yes';
    if (other?.state === 'decided' || (await store.taken(creation.repository)) !== null) return 'exists';
    if (other !== undefined && !(names.undecided.has(other.creation.id) && goesBefore(creation, other.creation)))
      return 'reserved';
    if (other !== undefined) names.undecided.delete(other.creation.id); // its own gives way
    await names.reserve({ creation, state: 'prepared' });
    return 'yes';
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
}
