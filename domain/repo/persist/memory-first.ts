import { KvError } from '../../../ports/error.js';
import type { AtHand, GitStore, GitStoreCapabilities, Landed, NewObject, Quarantine } from '../../../ports/git/git-store.js';
import type { ReadBounds } from '../../../ports/git/read-bounds.js';
import type { GitObject, Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { type BeginGroup, GroupCommit } from './group-commit.js';
import { MemoryQuarantine } from './memory-quarantine.js';
import { ObjectReads } from './object-reads.js';

/** Refs that are brought into memory at a time. */
const TOGETHER = 1000;
/** Objects that are taken in from an iterable before they are counted, bytes. */
const UNCOUNTED = 1024 * 1024;

/**
 * A repository that works in memory and is kept in another store: refs and what was read or written lately are in `memory`, which has to be
 * empty and takes limits; everything is in `durable`, where it arrives by group commit. Both are closed with it. What memory has no room
 * for is read anew when it is needed; only what isn't durable yet must have room. `begin` hears of each group.
 */
export async function openMemoryFirst(memory: GitStore, durable: GitStore, begin?: BeginGroup): Promise<GitStore> {
  const refs = [...(await durable.refs(['refs/']))];
  const store = new MemoryFirst(memory, durable, begin);
  for (let from = 0; from < refs.length; from += TOGETHER) {
    const some = refs.slice(from, from + TOGETHER);
    await store.bring(some.map(([, oid]) => oid));
    await memory.updateRefs(
      some.map(([ref, oid]) => ({ ref, old: null, next: oid })),
      'open',
    );
  }
  const head = await durable.head?.();
  if (head?.startsWith('refs/heads/') === false) await store.bring([head]);
  if (head !== undefined) await memory.setHead?.(head);
  return store;
}

class MemoryFirst extends ObjectReads implements GitStore {
  readonly capabilities: GitStoreCapabilities;
  readonly atHand?: AtHand;
  /** What is in memory and durable, the oldest first. */
  private readonly spare = new Set<Oid>();
  private readonly group: GroupCommit;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly memory: GitStore,
    private readonly durable: GitStore,
    begin?: BeginGroup,
  ) {
    super(durable.objectFormat);
    const { objectFormats, durable: isDurable } = durable.capabilities;
    this.capabilities = { objectFormats, durable: isDurable, pathHistory: true, quarantines: ['new'] };
    if (memory.atHand !== undefined) {
      const { object, tip, head } = memory.atHand;
      this.atHand = { object, tip, head }; // what lands is to be kept, which takes time
    }
    const nowSpare = (objects: readonly NewObject[]): void => {
      for (const { oid } of objects) this.spare.add(oid);
    };
    this.group = new GroupCommit(durable, nowSpare, begin);
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    const found = await this.memory.read(oids, bounds);
    if (!found.includes(null)) return found;
    const missing = [...new Set(oids.filter((_, i) => found[i] === null))];
    const read = new Map<Oid, GitObject>();
    for (const object of await this.durable.read(missing, bounds)) if (object !== null) read.set(object.oid, object);
    await this.keep([...read.values()]);
    return found.map((object, i) => object ?? read.get(oids[i] as Oid) ?? null);
  }

  /** Brings objects into memory. Throws `STORAGE_FULL` where they have no room. */
  async bring(oids: readonly Oid[]): Promise<void> {
    const here = await this.memory.headers(oids);
    const missing = oids.filter((_, i) => here[i] === null);
    if (missing.length === 0) return;
    const objects = (await this.durable.read(missing)).filter((object) => object !== null);
    await this.withRoom(() => this.memory.write(objects));
    for (const { oid } of objects) this.spare.add(oid);
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    this.checkOpen();
    this.group.check();
    const all: NewObject[] = [];
    const held: (() => void)[] = [];
    try {
      let bytes = 0;
      for await (const object of objects) {
        this.checked(object.oid);
        all.push(object);
        bytes += object.body.length;
        if (bytes < UNCOUNTED) continue;
        held.push(this.reserve(bytes)); // what is being collected is in memory too
        bytes = 0;
      }
    } finally {
      for (const release of held) release();
    }
    await this.withRoom(() => this.memory.write(all));
    await this.group.add(all, []);
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.checkOpen();
    return this.memory.refs(patterns);
  }

  async updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void> {
    await (await this.land([], updates, reason)).durable;
  }

  async land(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed> {
    this.checkOpen();
    this.group.check();
    for (const { next } of updates) if (next !== null) this.checked(next);
    const own = new Set(objects.map(({ oid }) => oid));
    const others = updates.flatMap(({ next }) => (next === null || own.has(next) ? [] : [next]));
    if (others.length > 0) await this.bring(others);
    await this.withRoom(async () => this.memory.land?.(objects, updates, reason));
    return { durable: objects.length + updates.length === 0 ? null : this.group.add(objects, updates) };
  }

  async head(): Promise<RefName | Oid> {
    this.checkOpen();
    return (await this.memory.head?.()) ?? 'refs/heads/main';
  }

  async setHead(target: RefName | Oid): Promise<void> {
    this.checkOpen();
    if (!target.startsWith('refs/heads/')) {
      await this.bring([this.checked(target)]);
      await this.group.drain(); // HEAD must not name what isn't there after a crash
    }
    await this.durable.setHead?.(target);
    await this.memory.setHead?.(target);
  }

  reserve(bytes: number): () => void {
    this.checkOpen();
    try {
      return this.memory.reserve?.(bytes) ?? (() => undefined);
    } catch (error) {
      // What can be read again makes room; it goes at once, and the second try says whether that was enough.
      if (!isFull(error) || this.spare.size === 0) throw error;
      this.forgetOldest(this.spare.size);
      return this.memory.reserve?.(bytes) ?? (() => undefined);
    }
  }

  async prune(): Promise<number> {
    this.checkOpen();
    return this.forgetOldest(this.spare.size);
  }

  async openQuarantine(path: string | null): Promise<Quarantine> {
    this.checkOpen();
    if (path === null) return new MemoryQuarantine(this);
    throw new KvError('NOT_SUPPORTED', 'no other program can fill a quarantine in memory', {
      hint: 'open a new one and write to it',
    });
  }

  async close(): Promise<void> {
    this.closing ??= (async () => {
      await this.group.drain();
      await this.durable.close();
      await this.memory.close();
    })();
    await this.closing;
  }

  /** Keeps what was read where there is room; it can be read again. */
  private async keep(objects: readonly GitObject[]): Promise<void> {
    if (objects.length === 0) return;
    try {
      await this.withRoom(() => this.memory.write(objects));
      for (const { oid } of objects) this.spare.add(oid);
    } catch (error) {
      if (!isFull(error)) throw error; // without room it is read again the next time
    }
  }

  /** Makes room, half of what is spare at a time, until the work has enough. */
  private async withRoom<V>(work: () => Promise<V>): Promise<V> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isFull(error) || this.spare.size === 0) throw error;
        this.forgetOldest(Math.ceil(this.spare.size / 2));
      }
    }
  }

  private forgetOldest(count: number): number {
    const oldest: Oid[] = [];
    for (const oid of this.spare) {
      if (oldest.length >= count) break;
      oldest.push(oid);
    }
    for (const oid of oldest) this.spare.delete(oid);
    return this.memory.forget?.(oldest) ?? 0;
  }

  private checkOpen(): void {
    if (this.closing !== null) throw new KvError('UNEXPECTED', 'this store is closed', { hint: 'open another' });
  }
}

function isFull(error: unknown): boolean {
  return KvError.is(error) && error.code === 'STORAGE_FULL';
}
