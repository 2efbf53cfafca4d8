import { KvError, toKvError } from '../../../ports/error.js';
import type { Log } from '../log/log.js';

/** A repository that is open. */
export interface Opened {
  /** Whether it has work left that nobody asks for, such as transactions that the mirror lacks. */
  owes(): boolean;
  /** Never throws. */
  close(): Promise<void>;
}

/** The use of a repository, during which it stays open. */
export interface Visit<Repository> {
  readonly repository: Repository;
  /** Idempotent. */
  leave(): void;
}

/** When one is tried again that has work left and could not be opened, ms. */
const AGAIN_MS = 60_000;

interface OpenRepositoriesOptions<Repository> {
  /** Opens one; throws why it can't be. */
  readonly open: (name: string) => Promise<Repository>;
  /** So many are open at a time. */
  readonly most: number;
  /** How long one that nobody uses stays open, ms. */
  readonly idle: number;
  /** Milliseconds of any clock that only grows. */
  readonly now?: () => number;
  readonly log: Log;
}

interface Place<Repository> {
  readonly opening: Promise<Repository>;
  repository: Repository | undefined;
  visits: number;
  /** When it was used last. */
  used: number;
  closing: Promise<void> | undefined;
}

/**
 * The repositories that are open: each from its first visit until nobody has used it for a while, or its place is needed. None is closed
 * under a visit. One that owes work is closed last, and opened again when there is a place, until it owes nothing.
 */
export class OpenRepositories<Repository extends Opened> {
  /** The one that was visited last is the last. */
  private readonly places = new Map<string, Place<Repository>>();
  /** What has work left and is closed, the longest-waiting first. */
  private readonly owing = new Set<string>();
  private readonly now: () => number;
  private closed = false;

  constructor(private readonly options: OpenRepositoriesOptions<Repository>) {
    this.now = options.now ?? (() => performance.now());
  }

  /** Those that are open, by name. */
  get open(): ReadonlyMap<string, Repository> {
    return new Map([...this.places].flatMap(([name, { repository }]) => (repository === undefined ? [] : [[name, repository]])));
  }

  /** How many are closed though they have work left. */
  get owed(): number {
    return this.owing.size;
  }

  /** Opens a repository, if it isn't, and keeps it so. Throws `BUSY` when as many as may be are in use; what opening throws. */
  async visit(name: string): Promise<Visit<Repository>> {
    for (let there = this.places.get(name); there?.closing !== undefined; there = this.places.get(name)) await there.closing;
    const place = this.places.get(name) ?? this.begin(name);
    const leave = this.enter(name, place);
    try {
      return { repository: await place.opening, leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Keeps a repository as it is, open or being opened; null where it is neither. */
  hold(name: string): (() => void) | null {
    const place = this.places.get(name);
    if (place === undefined || place.closing !== undefined) return null;
    return this.enter(name, place);
  }

  /** A repository has work left: it is opened when there is a place for it. */
  owe(name: string): void {
    if (!this.places.has(name)) this.owing.add(name);
  }

  /** Closes what nobody has used for long, and opens one of those that have work left. Never throws. */
  async tidy(): Promise<void> {
    const { idle, most, log } = this.options;
    const ripe = [...this.places].filter(([, place]) => this.now() - place.used >= idle && isFree(place) && !owes(place));
    await Promise.all(ripe.map(([name, place]) => this.end(name, place)));
    const [next] = this.owing;
    const resting = [...this.places.values()].some((place) => isFree(place) && !owes(place));
    if (this.closed || next === undefined || (this.places.size >= most && !resting)) return;
    this.owing.delete(next);
    await this.visit(next).then(
      ({ leave }) => leave(),
      (error: unknown) => {
        log.warn('repository.unopened', { repository: next, message: toKvError(error).message });
        setTimeout(() => this.closed || this.owe(next), AGAIN_MS).unref();
      },
    );
  }

  /** Closes one that nobody uses; false when somebody does. */
  async release(name: string): Promise<boolean> {
    const place = this.places.get(name);
    if (place === undefined) return true;
    if (!isFree(place) && place.closing === undefined) return false;
    await (place.closing ?? this.end(name, place));
    return true;
  }

  /** Closes all; no other is opened. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(
      [...this.places].map(async ([name, place]) => {
        await place.opening.catch(() => undefined); // whoever visits it is told
        await (place.closing ?? this.end(name, place));
      }),
    );
  }

  private enter(name: string, place: Place<Repository>): () => void {
    place.visits += 1;
    this.places.delete(name);
    this.places.set(name, place);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      place.visits -= 1;
      place.used = this.now();
    };
  }

  private begin(name: string): Place<Repository> {
    if (this.closed) throw new KvError('BUSY', 'the Stargate is ending', { hint: 'try again later' });
    const room = this.makeRoom();
    const opening = room.then(() => this.options.open(name));
    const place: Place<Repository> = { opening, repository: undefined, visits: 0, used: this.now(), closing: undefined };
    this.places.set(name, place);
    this.owing.delete(name);
    opening.then(
      (repository) => {
        place.repository = repository;
      },
      () => this.places.get(name) === place && this.places.delete(name),
    );
    return place;
  }

  /** Closes the one that was used least lately, if there are as many as may be. Throws `BUSY` at once when all are in use. */
  private makeRoom(): Promise<void> {
    const { most } = this.options;
    const standing = [...this.places].filter(([, { closing }]) => closing === undefined);
    if (standing.length < most) return Promise.resolve();
    const free = standing.filter(([, place]) => isFree(place));
    const [name, place] = free.find(([, one]) => !owes(one)) ?? free[0] ?? [];
    if (name === undefined || place === undefined)
      throw new KvError('BUSY', `${most} repositories are in use, which is as many as may be open`, {
        hint: 'try again later, or have whoever runs the Stargate raise --max-open',
        details: { limit: most, of: 'all', what: 'repositories' },
      });
    return this.end(name, place);
  }

  private end(name: string, place: Place<Repository>): Promise<void> {
    if (owes(place) && !this.closed) this.owing.add(name);
    place.closing ??= (place.repository?.close() ?? Promise.resolve()).finally(() => {
      if (this.places.get(name) === place) this.places.delete(name);
    });
    return place.closing;
  }
}

const isFree = <R>({ visits, repository, closing }: Place<R>): boolean =>
  visits === 0 && repository !== undefined && closing === undefined;

const owes = ({ repository }: Place<Opened>): boolean => repository?.owes() === true;
