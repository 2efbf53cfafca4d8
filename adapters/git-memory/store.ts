import { KvError } from '../../ports/error.js';
import type { GitStore, GitStoreCapabilities, HistoryQuery, NewObject, Quarantine } from '../../ports/git-store.js';
import { checkRead, type ReadBounds } from '../../ports/read-bounds.js';
import { isOid } from '../../ports/vocabulary.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { MemoryObjects } from './objects.js';
import { walk } from './walk.js';

/** What a repository in memory can do. */
export const GIT_MEMORY_CAPABILITIES: GitStoreCapabilities = {
  objectFormats: ['sha1', 'sha256'],
  durable: false,
  pathHistory: true,
  quarantines: ['new'],
};

/** A repository that lives as long as the object: for unit tests and the `memory` profile. */
export class GitMemoryStore implements GitStore {
  readonly capabilities: GitStoreCapabilities = GIT_MEMORY_CAPABILITIES;
  private closed = false;

  constructor(
    readonly objectFormat: ObjectFormat = 'sha1',
    protected readonly objects = new MemoryObjects(objectFormat),
    private readonly tips = new Map<RefName, Oid>(),
  ) {}

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    return bounded(
      oids.map((oid) => this.objects.get(this.checked(oid))),
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
    for await (const object of objects) all.push(object);
    // All or none, as a pack is.
    for (const object of all) this.checked(object.oid);
    for (const object of all) this.objects.put(object);
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.checkOpen();
    for (const pattern of patterns) checkRef(pattern.endsWith('/') ? `${pattern}x` : pattern);
    const matches = (ref: RefName) => patterns.some((each) => (each.endsWith('/') ? ref.startsWith(each) : ref === each));
    return new Map([...this.tips].filter(([ref]) => matches(ref)).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void> {
    this.checkOpen();
    for (const update of updates) this.checkUpdate(update, reason);
    if (new Set(updates.map((update) => update.ref)).size < updates.length) {
      throw new KvError('GIT_ERROR', 'a transaction moves one ref twice', { hint: 'give each ref one update' });
    }
    for (const { ref, old } of updates) {
      if ((this.tips.get(ref) ?? null) === old) continue;
      throw new KvError('CAS_CONFLICT', `'${ref}' is not where this change was built on`, {
        hint: 'read the newest state and try again',
        details: { ref },
      });
    }
    for (const { ref, next } of updates) {
      if (next === null) this.tips.delete(ref);
      else this.tips.set(ref, next);
    }
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    this.checkOpen();
    this.checked(ancestor);
    if (this.objects.commit(this.checked(descendant)) === null) return false;
    return this.objects.reachable(descendant).has(ancestor);
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
    this.closed = true;
  }

  private checkUpdate({ ref, old, next }: RefUpdate, reason: string): void {
    checkRef(ref);
    if (old !== null) this.checked(old);
    if (next === null || this.objects.get(this.checked(next)) !== null) return;
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

/** Objects, unless they exceed the bounds of a read. */
function bounded(objects: (GitObject | null)[], bounds: ReadBounds | undefined): (GitObject | null)[] {
  let held = 0;
  for (const object of objects) {
    if (bounds === undefined || object === null) continue;
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
    tips: Map<RefName, Oid>,
  ) {
    super(format, new MemoryObjects(format, behind), tips);
  }

  override async updateRefs(): Promise<void> {
    this.checkOpen();
    throw new KvError('NOT_SUPPORTED', 'cannot move refs in the quarantine of a push', { hint: 'accept it, and move them then' });
  }

  override async openQuarantine(): Promise<Quarantine> {
    throw new KvError('NOT_SUPPORTED', 'a quarantine has no quarantine of its own', { hint: 'open it on the repository itself' });
  }

  async accept(): Promise<void> {
    this.checkOpen();
    for (const object of this.objects.own()) this.behind.put(object);
    await this.close();
  }
}

/** Git's own rules (`git check-ref-format`) for a full name below `refs/`. */
function checkRef(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  if (name.startsWith('refs/') && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name)) return;
  throw new KvError('INPUT_INVALID', `'${name}' is not a full ref name`, { hint: 'use a name such as refs/kv/main' });
}
