import { KvError } from '../../ports/error.js';
import type { GitStore, Landed, NewObject } from '../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { Mutex } from '../gateway/mutex.js';
import { ObjectNamer } from '../git/object.js';
import { DEFAULT_LIMITS } from './limits.js';
import { ObjectSource } from './objects/source.js';
import type { RefEvent, RepositoryLimits, RepositoryParts } from './types.js';

/** Stores objects and moves refs, all or none, for whoever has the turn; at once where the store can. */
export type Land = (objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string) => void | Promise<void>;

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
    this.source = new ObjectSource(parts.store, parts.store.objectFormat, null, null, parts.store.atHand);
    this.namer = new ObjectNamer(parts.hasher, parts.store.objectFormat);
    this.limits = { ...DEFAULT_LIMITS, ...parts.limits };
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** What HEAD names. */
  head(): RefName | Oid | Promise<RefName | Oid> {
    const { atHand } = this.store;
    if (atHand !== undefined) return atHand.head();
    return this.store.head === undefined ? this.ownHead : this.store.head();
  }

  async setHead(target: RefName | Oid): Promise<void> {
    if (this.store.setHead === undefined) this.ownHead = target;
    else await this.store.setHead(target);
  }

  /** Where a ref is; null where there is none. */
  tip(ref: RefName): Oid | null | Promise<Oid | null> {
    const { atHand } = this.store;
    return atHand === undefined ? this.store.refs([ref]).then((refs) => refs.get(ref) ?? null) : atHand.tip(ref);
  }

  /** The commit that HEAD leads to; null before the first. */
  headTip(): Oid | null | Promise<Oid | null> {
    const tipOf = (head: RefName | Oid) => (head.startsWith('refs/') ? this.tip(head) : head);
    const head = this.head();
    return head instanceof Promise ? head.then(tipOf) : tipOf(head);
  }

  /** The root tree of a commit; null for none. */
  treeOf(commit: Oid | null): Oid | null | Promise<Oid | null> {
    if (commit === null) return null;
    const facts = this.source.commit(commit);
    return facts instanceof Promise ? facts.then(({ tree }) => tree) : facts.tree;
  }

  /**
   * Runs what changes the repository, one after another. It resolves once what was landed is durable; the next has its turn before, and
   * builds on it.
   */
  async change<T>(work: (land: Land) => T | Promise<T>): Promise<T> {
    const release = this.mutex.take() ?? (await this.mutex.acquire());
    const durable: Promise<void>[] = [];
    const moved: (readonly [readonly RefUpdate[], string])[] = [];
    let result: T;
    try {
      const made = work((objects, updates, reason) => {
        const note = (landed: Landed | undefined): void => {
          for (const { old, next } of updates) if (next === null || (old !== null && reason === 'reset')) this.hasGarbage = true;
          if (landed !== undefined && landed.durable !== null) durable.push(landed.durable);
          if (updates.length > 0) moved.push([updates, reason]);
        };
        const { atHand } = this.store;
        if (atHand?.land === undefined) return this.landedWithRoom(objects, updates, reason).then(note);
        try {
          atHand.land(objects, updates, reason);
        } catch (error) {
          return this.again(error, () => this.landed(objects, updates, reason)).then(note);
        }
        return note(undefined);
      });
      result = made instanceof Promise ? await made : made; // whoever waits for nothing lets the next begin at once
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

  /**
   * Tries again after dropping what nobody needs, where there was no room. To be called by whoever has the turn. What is done at once
   * needn't be waited for.
   */
  withRoom<T>(work: () => T | Promise<T>): T | Promise<T> {
    try {
      const done = work();
      return done instanceof Promise ? done.catch((error: unknown) => this.again(error, work)) : done;
    } catch (error) {
      return this.again(error, work);
    }
  }

  private async again<T>(error: unknown, work: () => T | Promise<T>): Promise<T> {
    const isFull = KvError.is(error) && error.code === 'STORAGE_FULL';
    if (!isFull || !this.hasGarbage || (await this.prune()) === 0) throw error;
    return work();
  }

  private async landedWithRoom(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed> {
    return this.withRoom(() => this.landed(objects, updates, reason));
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
