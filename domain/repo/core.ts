import { KvError } from '../../ports/error.js';
import type { GitStore, Landed, NewObject } from '../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { Mutex } from '../gateway/mutex.js';
import { ObjectNamer } from '../git/object.js';
import { DEFAULT_LIMITS } from './limits.js';
import { ObjectSource } from './objects/source.js';
import type { RefEvent, RepositoryLimits, RepositoryParts } from './types.js';

/** Stores objects and moves refs, all or none, for whoever has the turn. */
export type Land = (objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string) => Promise<void>;

/** What all use cases of one repository share: where objects are, whose turn it is to change something, who hears of it. */
export class Core {
  readonly store: GitStore;
  readonly source: ObjectSource;
  readonly namer: ObjectNamer;
  readonly limits: RepositoryLimits;
  /** Commits besides those of refs that must stay: bases of transactions and realities, what is staged. */
  readonly keeps = new Set<() => Iterable<Oid>>();
  private readonly mutex = new Mutex();
  private readonly listeners = new Set<(event: RefEvent) => void>();
  private sequence = 0;
  private ownHead: RefName | Oid = 'refs/heads/main';
  /** Something may have become unreachable since the newest `prune`. */
  private hasGarbage = true;

  constructor(readonly parts: RepositoryParts) {
    this.store = parts.store;
    this.source = new ObjectSource(parts.store, parts.store.objectFormat);
    this.namer = new ObjectNamer(parts.hasher, parts.store.objectFormat);
    this.limits = { ...DEFAULT_LIMITS, ...parts.limits };
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** What HEAD names. */
  async head(): Promise<RefName | Oid> {
    return this.store.head === undefined ? this.ownHead : this.store.head();
  }

  async setHead(target: RefName | Oid): Promise<void> {
    if (this.store.setHead === undefined) this.ownHead = target;
    else await this.store.setHead(target);
  }

  /** Where a ref is; null where there is none. */
  async tip(ref: RefName): Promise<Oid | null> {
    return (await this.store.refs([ref])).get(ref) ?? null;
  }

  /** The commit that HEAD leads to; null before the first. */
  async headTip(): Promise<Oid | null> {
    const head = await this.head();
    return head.startsWith('refs/') ? this.tip(head) : head;
  }

  /** The root tree of a commit; null for none. */
  async treeOf(commit: Oid | null): Promise<Oid | null> {
    return commit === null ? null : (await this.source.commit(commit)).tree;
  }

  /**
   * Runs what changes the repository, one after another. It resolves once what was landed is durable; the next has its turn before, and
   * builds on it.
   */
  async change<T>(work: (land: Land) => Promise<T>): Promise<T> {
    const release = await this.mutex.acquire();
    const durable: Promise<void>[] = [];
    const moved: [readonly RefUpdate[], string][] = [];
    let result: T;
    try {
      result = await work(async (objects, updates, reason) => {
        const landed = await this.landWithRoom(objects, updates, reason);
        if (landed.durable !== null) durable.push(landed.durable);
        if (updates.length > 0) moved.push([updates, reason]);
      });
    } catch (error) {
      for (const each of durable) each.catch(() => undefined); // the error that is thrown came first
      throw error;
    } finally {
      release();
    }
    if (durable.length > 0) await Promise.all(durable);
    for (const [updates, reason] of moved) this.tell(updates, reason);
    return result;
  }

  /** Tells listeners of refs that have moved. */
  tell(updates: readonly RefUpdate[], reason: string): void {
    for (const { ref, old, next } of updates) {
      if (old === next) continue;
      if (this.listeners.size === 0) {
        this.sequence += 1;
        continue;
      }
      const event: RefEvent = { sequence: ++this.sequence, ref, old, next, reason, time: this.now() };
      for (const listener of this.listeners) {
        try {
          listener(event);
        } catch {
          // A listener's failure is its own: the ref has moved, and the others must hear of it.
        }
      }
    }
  }

  /** Calls a listener for every ref that has moved, until the answer is called. */
  watch(listener: (event: RefEvent) => void): () => void {
    const own = (event: RefEvent): void => listener(event);
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  /** Says that objects may have become unreachable by another way than `land`. */
  left(): void {
    this.hasGarbage = true;
  }

  /** Drops what nothing reaches. To be called by whoever has the turn. */
  async prune(): Promise<number> {
    this.hasGarbage = false;
    const keep: Oid[] = [];
    for (const each of this.keeps) keep.push(...each());
    return (await this.store.prune?.(keep)) ?? 0;
  }

  /** Tries again after dropping what nobody needs, where there was no room. To be called by whoever has the turn. */
  async withRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isFull = KvError.is(error) && error.code === 'STORAGE_FULL';
      if (!isFull || !this.hasGarbage || (await this.prune()) === 0) throw error;
      return work();
    }
  }

  private async landWithRoom(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed> {
    const landed = await this.withRoom(() => this.landed(objects, updates, reason));
    if (updates.some(({ old, next }) => next === null || (old !== null && reason === 'reset'))) this.hasGarbage = true;
    return landed;
  }

  private landed(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed> {
    return this.store.land?.(objects, updates, reason) ?? this.written(objects, updates, reason);
  }

  private async written(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed> {
    await this.store.write(objects);
    await this.store.updateRefs(updates, reason);
    return { durable: null };
  }
}
