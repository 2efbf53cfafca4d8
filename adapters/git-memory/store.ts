import { KvError } from '../../ports/error.js';
import type {
  AtHand,
  GitStore,
  GitStoreCapabilities,
  HistoryQuery,
  Landed,
  NewObject,
  Quarantine,
} from '../../ports/git/git-store.js';
import { checkRead, type ReadBounds } from '../../ports/git/read-bounds.js';
import { isOid } from '../../ports/vocabulary.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { type Allowance } from './allowance.js';
import { MemoryObjects } from './objects.js';
import { prune } from './prune.js';
import { checkRef, MemoryRefs } from './refs.js';
import { walk } from './walk.js';

/** What a repository in memory can do. */
export const GIT_MEMORY_CAPABILITIES: GitStoreCapabilities = {
  objectFormats: ['sha1', 'sha256'],
  durable: false,
  pathHistory: true,
  quarantines: ['new'],
};

/** Objects taken in from an iterable before they are counted, bytes. */
const UNCOUNTED = 1024 * 1024;

/** A repository that lives as long as the object. Reads and writes copy no body that has its own memory. */
export class GitMemoryStore implements GitStore {
  readonly capabilities: GitStoreCapabilities = GIT_MEMORY_CAPABILITIES;
  protected closed = false;
  private named: RefName | Oid = 'refs/heads/main';

  constructor(
    readonly objectFormat: ObjectFormat = 'sha1',
    protected readonly objects = new MemoryObjects(objectFormat),
    protected readonly tips = new MemoryRefs(objects.allowance),
  ) {}

  readonly atHand: AtHand = {
    object: (oid) => {
      this.checkOpen();
      return this.objects.get(oid);
    },
    tip: (ref) => {
      this.checkOpen();
      return this.tips.get(ref);
    },
    head: () => {
      this.checkOpen();
      return this.named;
    },
    land: (objects, updates, reason) => this.landNow(objects, updates, reason),
  };

  /** What the repository holds and may hold. */
  get allowance(): Allowance {
    return this.objects.allowance;
  }

  /** How many objects and refs there are. */
  counts(): { readonly objects: number; readonly refs: number } {
    return { objects: this.objects.count, refs: this.tips.all().size };
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    return bounded(
      oids.map((oid) => this.find(oid)),
      bounds,
    );
  }

  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    return (await this.read(oids)).map((object) => object && { oid: object.oid, type: object.type, size: object.body.length });
  }

  async readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    this.checked(root);
    for (const path of paths) if (/[\0\n]/.test(path)) throw new KvError('INPUT_INVALID', 'a tree path holds a NUL or a newline');
    return bounded(
      paths.map((path) => this.objects.at(root, path)),
      bounds,
    );
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    this.checkOpen();
    const all: NewObject[] = [];
    const held: (() => void)[] = [];
    let bytes = 0;
    try {
      for await (const object of objects) {
        all.push(object);
        bytes += object.body.length;
        if (bytes < UNCOUNTED) continue;
        // What is being collected is in memory too.
        held.push(this.reserve(bytes));
        bytes = 0;
      }
    } finally {
      for (const release of held) release();
    }
    this.checkObjects(all);
    this.objects.put(all);
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.checkOpen();
    return this.tips.matching(patterns);
  }

  async updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void> {
    this.checkOpen();
    for (const update of updates) this.checkUpdate(update, reason, undefined);
    this.tips.move(updates, this.tips.check(updates));
  }

  async land(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed> {
    this.landNow(objects, updates, reason);
    return LANDED;
  }

  protected landNow(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): void {
    this.checkOpen();
    this.checkObjects(objects);
    for (const update of updates) this.checkUpdate(update, reason, objects);
    const growth = this.tips.check(updates);
    // Objects that no ref reaches must not be left behind when the refs have no room.
    if (growth > 0 && objects.length > 0) this.reserve(this.objects.lacking(objects) + growth)();
    this.objects.put(objects);
    this.tips.move(updates, growth);
  }

  async head(): Promise<RefName | Oid> {
    this.checkOpen();
    return this.named;
  }

  async setHead(target: RefName | Oid): Promise<void> {
    this.checkOpen();
    if (target.startsWith('refs/heads/')) checkRef(target);
    else if (this.objects.commit(this.checked(target)) === null)
      throw new KvError('INPUT_INVALID', `HEAD can't name ${target}, which is no commit here`);
    this.named = target;
  }

  reserve(bytes: number): () => void {
    const { allowance } = this.objects;
    allowance.take(bytes);
    let left = bytes;
    return () => {
      allowance.give(left);
      left = 0;
    };
  }

  async prune(keep: readonly Oid[]): Promise<number> {
    this.checkOpen();
    return prune(this.objects, [
      ...this.tips.all().values(),
      ...keep,
      ...(isOid(this.named, this.objectFormat) ? [this.named] : []),
    ]);
  }

  forget(oids: readonly Oid[]): number {
    this.checkOpen();
    return oids.reduce((freed, oid) => freed + this.objects.drop(oid), 0);
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    this.checkOpen();
    this.checked(ancestor);
    if (this.objects.commit(this.checked(descendant)) === null) return false;
    return this.objects.reachable(descendant, ancestor).has(ancestor);
  }

  async *history(query: HistoryQuery): AsyncIterable<Oid> {
    this.checkOpen();
    yield* walk(this.objects, query);
  }

  async openQuarantine(path: string | null): Promise<Quarantine> {
    this.checkOpen();
    if (path === null) return new MemoryQuarantine(this.objectFormat, this.objects, this.tips);
    throw new KvError('NOT_SUPPORTED', 'no other program can fill a quarantine in memory', {
      hint: 'open a new one and write to it',
    });
  }

  async close(): Promise<void> {
    if (!this.closed) this.objects.allowance.close();
    this.closed = true;
  }

  private find(oid: Oid): GitObject | null {
    const object = this.objects.get(oid);
    if (object === null) this.checked(oid);
    return object;
  }

  private checkObjects(objects: readonly NewObject[]): void {
    for (const { oid } of objects) this.checked(oid);
  }

  private checkUpdate({ ref, old, next }: RefUpdate, reason: string, landing: readonly NewObject[] | undefined): void {
    checkRef(ref);
    if (old !== null) this.checked(old);
    if (next === null || landing?.[landing.length - 1]?.oid === next || landing?.some(({ oid }) => oid === next)) return;
    if (this.objects.has(next) || this.find(next) !== null) return;
    throw new KvError('GIT_ERROR', `cannot move '${ref}' (${reason}): there is no object ${next}`, { hint: 'write it first' });
  }

  private checked(oid: Oid): Oid {
    if (isOid(oid, this.objectFormat)) return oid;
    throw new KvError('INPUT_INVALID', `'${oid}' is not a full ${this.objectFormat} object id`, {
      hint: 'give all hex digits, in lower case',
    });
  }

  protected checkOpen(): void {
    if (this.closed) throw new KvError('UNEXPECTED', 'this store is closed', { hint: 'open another' });
  }
}

const LANDED: Landed = { durable: null };

/** Objects, unless they exceed the bounds of a read. */
function bounded(objects: (GitObject | null)[], bounds: ReadBounds | undefined): (GitObject | null)[] {
  if (bounds === undefined) return objects;
  let held = 0;
  for (const object of objects) {
    if (object === null) continue;
    checkRead(bounds, object.oid, object.type, object.body.length, held);
    held += object.body.length;
  }
  return objects;
}

/** Objects of its own in front of a store's, and that store's refs. */
class MemoryQuarantine extends GitMemoryStore implements Quarantine {
  override readonly capabilities = { ...GIT_MEMORY_CAPABILITIES, quarantines: [] };

  constructor(
    format: ObjectFormat,
    private readonly behind: MemoryObjects,
    tips: MemoryRefs,
  ) {
    super(format, new MemoryObjects(format, behind), tips);
  }

  override async updateRefs(): Promise<void> {
    this.checkOpen();
    throw noRefs();
  }

  protected override landNow(): void {
    this.checkOpen();
    throw noRefs();
  }

  override async setHead(): Promise<void> {
    this.checkOpen();
    throw noRefs();
  }

  override async prune(): Promise<number> {
    this.checkOpen();
    return 0;
  }

  override async openQuarantine(): Promise<Quarantine> {
    throw new KvError('NOT_SUPPORTED', 'a quarantine has no quarantine of its own', { hint: 'open it on the repository itself' });
  }

  async accept(): Promise<void> {
    this.checkOpen();
    const own = [...this.objects.own()];
    await this.close(); // first, so that nothing is counted twice
    this.behind.put(own);
  }

  override async close(): Promise<void> {
    if (!this.closed) this.objects.clear();
    this.closed = true;
  }
}

function noRefs(): KvError {
  return new KvError('NOT_SUPPORTED', 'cannot move refs in the quarantine of a push', { hint: 'accept it, and move them then' });
}
