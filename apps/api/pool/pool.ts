import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BeginGroup } from '../../../domain/repo/persist/group-commit.js';
import { openMemoryFirst } from '../../../domain/repo/persist/memory-first.js';
import { openRepository, type Repository } from '../../../domain/repo/repository.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { ApiError } from '../problems/errors.js';
import type { ApiSettings } from '../settings.js';
import type { EventLog } from './events.js';
import { KeptJson } from './kept-json.js';
import { closeHeld, type Held, newSlot, type RepositoryEntry, type Slot } from './slot.js';
import type { RepositoryWatcher } from './watcher.js';

/** What the pool works with. */
export interface PoolParts {
  readonly composition: Pick<Composition, 'open' | 'opener'>;
  readonly settings: Pick<ApiSettings, 'data' | 'maxRepositories' | 'maxIdleTime' | 'maxMemory' | 'maxRepositoryMemory'>;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly randomness: Randomness;
  readonly watcher?: RepositoryWatcher;
  /** What is done with a repository is done with what this gives of it. */
  readonly follow?: (repository: Repository) => Repository;
  /** Hears of each group of commits that is made durable. */
  readonly persisting?: BeginGroup;
}

/** How the pool is doing, as its endpoint tells it. */
export interface PoolStats {
  readonly total: number;
  readonly open: number;
  readonly memory_only: number;
  readonly in_use: number;
  readonly evicted: number;
  readonly max_repositories: number;
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?$/;

/** Event logs whose names are drawn together. */
const NAMES_DRAWN = 128;

/** All repositories of a server. Those with a folder behind them are closed when nobody needs them; nothing is closed under a request. */
export class Pool {
  private readonly slots = new Map<string, Slot>();
  private readonly kept: KeptJson<readonly RepositoryEntry[]> | null;
  /** The names of all repositories, by what they are in small letters. */
  private readonly spelt = new Map<string, string>();
  private evicted = 0;
  /** What opens an empty repository in memory, by the hash of its ids. */
  private readonly openers = new Map<ObjectFormat, Promise<() => Promise<GitStore>>>();
  /** Random bytes for the names of event logs, drawn for many at once: each draw is a call of the system's. */
  private drawn: Uint8Array = new Uint8Array(0);

  private constructor(private readonly parts: PoolParts) {
    const { data } = parts.settings;
    this.kept = data === '' ? null : new KeptJson(join(data, 'repositories.json'));
  }

  /** Knows all that is kept, and opens none of it. */
  static async open(parts: PoolParts): Promise<Pool> {
    const pool = new Pool(parts);
    for (const entry of (await pool.kept?.read()) ?? []) pool.place(pool.slot(entry));
    return pool;
  }

  /** Without an order that means anything but age. */
  list(): RepositoryEntry[] {
    return [...this.slots.values()].filter(({ deleted }) => !deleted).map(({ entry }) => entry);
  }

  /** Where those lie that are kept. */
  folders(): ReadonlyMap<string, string> {
    return new Map(this.list().flatMap(({ id, memoryOnly }) => (memoryOnly ? [] : [[id, this.folder(id)]])));
  }

  /** Throws `REPO_NOT_FOUND`. */
  entry(id: string): RepositoryEntry {
    return this.find(id).entry;
  }

  /** The events of a repository. Throws `REPO_NOT_FOUND`. */
  events(id: string): EventLog {
    return this.find(id).events;
  }

  /** Throws `INVALID_REQUEST`, `REPO_EXISTS`, `MAX_REPOS_REACHED`. */
  async create(
    id: string,
    options: { readonly memoryOnly?: boolean | undefined; readonly objectFormat: ObjectFormat },
  ): Promise<RepositoryEntry> {
    if (!NAME.test(id) || id.includes('..') || /\.(git|lock)$/i.test(id))
      throw new ApiError(
        400,
        'INVALID_REQUEST',
        'a repository is named by up to 100 letters, digits, dots, dashes and underscores',
      );
    const taken = this.spelt.get(id.toLowerCase());
    if (taken !== undefined) throw new ApiError(409, 'REPO_EXISTS', `there is a repository '${taken}' already`);
    const memoryOnly = options.memoryOnly ?? this.kept === null;
    if (!memoryOnly && this.kept === null)
      throw new ApiError(400, 'INVALID_REQUEST', 'this server has no folder to keep repositories in: ask for memory_only');
    const entry = { id, createdAt: this.parts.clock.now(), objectFormat: options.objectFormat, memoryOnly };
    const slot = this.slot(entry);
    this.place(slot); // at once: nobody else may take the name
    try {
      await this.makeRoom(slot);
      // What lies there was never acknowledged, or was deleted: the list of repositories knows nothing of it.
      if (!memoryOnly) await rm(this.folder(id), { recursive: true, force: true });
      slot.held = this.openHeld(slot, true);
      await slot.held;
      await this.keep();
    } catch (error) {
      this.displace(id);
      throw error;
    }
    return entry;
  }

  /** Opens a repository where it isn't, and keeps it open for the work. Throws `REPO_NOT_FOUND`, `MAX_REPOS_REACHED`. */
  async use<T>(id: string, work: (repository: Repository, store: GitStore) => Promise<T>): Promise<T> {
    const slot = this.find(id);
    slot.uses += 1;
    slot.usedAt = this.parts.clock.now();
    try {
      if (slot.held === null) {
        const opening = Promise.all([this.makeRoom(slot), slot.closing]).then(() => this.openHeld(slot, false));
        slot.held = opening;
        opening.catch(() => {
          if (slot.held === opening) slot.held = null; // the next one tries again
        });
      }
      const { repository, store } = await slot.held;
      return await work(this.parts.follow?.(repository) ?? repository, store);
    } finally {
      slot.uses -= 1;
      if (slot.uses === 0) slot.gone?.();
    }
  }

  /** Deletes a repository once nobody uses it any more. Throws `REPO_NOT_FOUND`. */
  async remove(id: string): Promise<void> {
    const slot = this.find(id);
    slot.deleted = true;
    slot.events.end();
    this.parts.watcher?.removing(id);
    if (slot.uses > 0) await new Promise<void>((resolve) => (slot.gone = resolve));
    await this.keep();
    await closeHeld(slot);
    if (!slot.entry.memoryOnly) await rm(this.folder(id), { recursive: true, force: true });
    await this.parts.watcher?.removed(id);
    this.displace(id);
  }

  /** Closes what nobody has used for the time that the settings say; gives how many. */
  async cleanup(idle = this.parts.settings.maxIdleTime): Promise<number> {
    const before = this.parts.clock.now() - idle;
    let closed = 0;
    for (const slot of this.slots.values()) if (slot.usedAt <= before && (await this.evict(slot))) closed += 1;
    return closed;
  }

  stats(): PoolStats {
    const slots = [...this.slots.values()];
    const counted = (test: (slot: Slot) => boolean): number => slots.filter(test).length;
    return {
      total: slots.length,
      open: counted(({ held }) => held !== null),
      memory_only: counted(({ entry }) => entry.memoryOnly),
      in_use: counted(({ uses }) => uses > 0),
      evicted: this.evicted,
      max_repositories: this.parts.settings.maxRepositories,
    };
  }

  /** Open transactions of all open repositories. */
  async transactions(): Promise<number> {
    let count = 0;
    for (const { held } of this.slots.values()) if (held !== null) count += (await held).repository.transactions().length;
    return count;
  }

  /** Waits until all that was acknowledged is kept. */
  async close(): Promise<void> {
    for (const slot of this.slots.values()) {
      slot.events.end();
      await closeHeld(slot);
    }
  }

  private slot(entry: RepositoryEntry): Slot {
    if (this.drawn.length === 0) this.drawn = this.parts.randomness.bytes(6 * NAMES_DRAWN);
    const name = Buffer.from(this.drawn.subarray(0, 6)).toString('hex');
    this.drawn = this.drawn.subarray(6);
    return newSlot(entry, name, this.parts.clock.now());
  }

  private memoryStore(objectFormat: ObjectFormat): Promise<GitStore> {
    const { composition, settings } = this.parts;
    let opener = this.openers.get(objectFormat);
    if (opener === undefined) {
      const limits = { maxBytes: settings.maxRepositoryMemory, maxProcessBytes: settings.maxMemory };
      opener = composition.opener<GitStore>('git-store', 'git-memory', { objectFormat, ...limits });
      this.openers.set(objectFormat, opener);
      opener.catch(() => this.openers.delete(objectFormat)); // the next one tries again
    }
    return opener.then((open) => open());
  }

  private place(slot: Slot): void {
    this.slots.set(slot.entry.id, slot);
    this.spelt.set(slot.entry.id.toLowerCase(), slot.entry.id);
  }

  private displace(id: string): void {
    this.slots.delete(id);
    this.spelt.delete(id.toLowerCase());
  }

  private find(id: string): Slot {
    const slot = this.slots.get(id);
    if (slot !== undefined && !slot.deleted) return slot;
    throw new ApiError(404, 'REPO_NOT_FOUND', 'there is no such repository');
  }

  private folder(id: string): string {
    return join(this.parts.settings.data, 'repos', `${id}.git`);
  }

  private async openHeld({ entry, events }: Slot, create: boolean): Promise<Held> {
    const { composition, clock, hasher, randomness, watcher, persisting } = this.parts;
    const { objectFormat, memoryOnly, id } = entry;
    const memory = await this.memoryStore(objectFormat);
    let store = memory;
    if (!memoryOnly) {
      const place = { directory: this.folder(id), ...(create ? { create: objectFormat } : {}) };
      store = await openMemoryFirst(memory, await composition.open<GitStore>('git-store', 'git-bare', place), persisting);
    }
    await watcher?.opening(id, memoryOnly ? null : this.folder(id));
    const repository = openRepository({
      ...{ store, hasher, clock, randomness },
      get beforeCommit() {
        return watcher?.beforeCommit(id) ?? [];
      },
    });
    repository.watch((event) => {
      const logged = events.add(event);
      watcher?.moved(id, logged);
    });
    return { repository, store };
  }

  private async makeRoom(newcomer: Slot): Promise<void> {
    if (this.slots.size <= this.parts.settings.maxRepositories) return;
    const open = (): Slot[] => [...this.slots.values()].filter((slot) => slot.held !== null && slot !== newcomer);
    while (open().length >= this.parts.settings.maxRepositories) {
      let found = false;
      for (const slot of open().sort((a, b) => a.usedAt - b.usedAt)) {
        found = await this.evict(slot);
        if (found) break;
      }
      if (!found)
        throw new ApiError(503, 'MAX_REPOS_REACHED', 'as many repositories are open as there may be, and all are needed');
    }
  }

  /** Closes a repository that can be opened again without anybody noticing. */
  private async evict(slot: Slot): Promise<boolean> {
    if (slot.held === null || slot.entry.memoryOnly || slot.uses > 0 || slot.deleted) return false;
    const { repository } = await slot.held;
    const { clean } = await repository.status();
    const needed = !clean || repository.transactions().length > 0 || repository.realities().length > 0;
    if (needed || slot.uses > 0 || slot.held === null) return false;
    const closing = closeHeld(slot);
    this.evicted += 1;
    await closing;
    return true;
  }

  private async keep(): Promise<void> {
    await this.kept?.write(() => this.list().filter(({ memoryOnly }) => !memoryOnly));
  }
}
