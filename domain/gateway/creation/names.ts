import { KvError } from '../../../ports/error.js';
import { foldedName } from '../../../ports/grammar/repository-name.js';
import { Mutex } from '../mutex.js';
import type { Creation, CreationOutcome, Reservation } from './records.js';
import type { CreationStore } from './store.js';

/** So many creations are told at once to a server that was away. */
const PAGE = 100;
/** The policies in a page, characters. */
const PAGE_SIZE = 4 * 1024 ** 2;

/** What one server knows of names: which are reserved, and for which creation; what was created; what this server may still give up. */
export class Names {
  /** By folded name. */
  private readonly reserved = new Map<string, Reservation>();
  private readonly log: Creation[] = [];
  private readonly logged = new Set<string>();
  /** The creations that this server is about to decide, and may still give up. */
  readonly undecided = new Set<string>();
  /** One after the other: what is looked at is what is changed. */
  private readonly door = new Mutex();

  constructor(
    private readonly self: string,
    private readonly store: CreationStore,
  ) {}

  /** Takes up what was kept: finishes what was decided, gives up what this server had not decided. */
  async start(): Promise<void> {
    for (const creation of await this.store.created()) this.note(creation);
    for (const reservation of await this.store.reservations()) {
      const { creation, state, learned = false } = reservation;
      this.reserved.set(foldedName(creation.repository), reservation);
      if (state === 'decided') await this.finish(creation, learned);
      else if (creation.coordinator === this.self) await this.giveUp(creation);
    }
  }

  /** Runs work while nothing else looks at names or changes them. Not to be called in such work. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.door.acquire();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** What a name is reserved for. */
  reservationOf(repository: string): Reservation | undefined {
    return this.reserved.get(foldedName(repository));
  }

  /** All names that are reserved, as of now. */
  reservations(): readonly Reservation[] {
    return [...this.reserved.values()];
  }

  /** Whether it was made here. */
  has({ id }: { readonly id: string }): boolean {
    return this.logged.has(id);
  }

  /** Reserves a name, durably, in place of another reservation of it. */
  async reserve(reservation: Reservation): Promise<void> {
    await this.store.reserve(reservation);
    this.reserved.set(foldedName(reservation.creation.repository), reservation);
  }

  /** Gives a creation's reservation up. Idempotent. */
  async giveUp({ id, repository }: Creation): Promise<void> {
    const name = foldedName(repository);
    if (this.reserved.get(name)?.creation.id !== id) return;
    await this.store.drop(repository);
    this.reserved.delete(name);
  }

  /** Makes what was decided. `learned`: others have it already. Idempotent. */
  async finish(creation: Creation, learned = this.reservationOf(creation.repository)?.learned === true): Promise<void> {
    if (!this.has(creation)) {
      await this.store.make(creation, learned);
      await this.store.append(creation);
      this.note(creation);
    }
    await this.giveUp(creation);
  }

  /** A majority has reserved this creation's name, so no other one of that name can be decided. `learned`: others have it already. */
  async commit(creation: Creation, learned = false): Promise<void> {
    if (this.has(creation)) return;
    this.store.check(creation);
    const other = this.reservationOf(creation.repository);
    if (other !== undefined) this.undecided.delete(other.creation.id);
    await this.reserve({ creation, state: 'decided', ...(learned ? { learned } : {}) });
    await this.finish(creation, learned);
  }

  /** Gives a creation up that is not decided. Idempotent. */
  async abort({ id, repository }: { readonly id: string; readonly repository: string }): Promise<void> {
    const there = this.reservationOf(repository);
    if (there?.creation.id === id && there.state === 'prepared') await this.giveUp(there.creation);
  }

  /** What has become of a creation that this server decides. */
  outcomeOf({ id, repository }: { readonly id: string; readonly repository: string }): CreationOutcome {
    const there = this.reservationOf(repository);
    if (this.logged.has(id) || (there?.creation.id === id && there.state === 'decided')) return 'decided';
    // What this server has decided it still knows; what it doesn't know, it hasn't decided.
    return there?.creation.id === id ? 'pending' : 'aborted';
  }

  /** Some of what was created here after so many others, in order, and how many there are in all. */
  pageAfter(after: number): { readonly creations: readonly Creation[]; readonly last: number } {
    const page: Creation[] = [];
    let size = 0;
    for (const creation of this.log.slice(after, after + PAGE)) {
      size += creation.policy.length;
      if (page.length > 0 && size > PAGE_SIZE) break;
      page.push(creation);
    }
    return { creations: page, last: this.log.length };
  }

  /** Throws `CAS_CONFLICT` where a repository stands whose name this one would collide with. */
  async requireFree(repository: string): Promise<void> {
    const taken = await this.store.taken(repository);
    if (taken === null) return;
    const why = taken === repository ? '' : `, which differs from '${repository}' in case alone`;
    throw new KvError('CAS_CONFLICT', `there is a repository '${taken}'${why}`, { hint: 'choose another name' });
  }

  private note(creation: Creation): void {
    if (this.has(creation)) return;
    this.logged.add(creation.id);
    this.log.push(creation);
  }
}
