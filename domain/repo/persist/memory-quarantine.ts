import { KvError } from '../../../ports/error.js';
import type { GitStore, GitStoreCapabilities, NewObject, Quarantine } from '../../../ports/git/git-store.js';
import type { ReadBounds } from '../../../ports/git/read-bounds.js';
import type { GitObject, Oid, RefName } from '../../../ports/vocabulary.js';
import { Pending } from '../staging/pending.js';
import { ObjectReads } from './object-reads.js';

/** Objects of its own in front of a store, counted against its limits. */
export class MemoryQuarantine extends ObjectReads implements Quarantine {
  readonly capabilities: GitStoreCapabilities;
  private readonly pending: Pending;
  private closed = false;

  constructor(private readonly behind: GitStore) {
    super(behind.objectFormat);
    this.capabilities = { ...behind.capabilities, quarantines: [] };
    this.pending = new Pending(behind);
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    const own = oids.map((oid) => this.pending.get(oid) ?? null);
    const missing = oids.filter((_, i) => own[i] === null);
    const found = missing.length === 0 ? [] : await this.behind.read(missing, bounds);
    let at = 0;
    return own.map((object) => object ?? found[at++] ?? null);
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    this.checkOpen();
    for await (const object of objects) {
      this.checked(object.oid);
      this.pending.add(object);
    }
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.checkOpen();
    return this.behind.refs(patterns);
  }

  async updateRefs(): Promise<void> {
    this.checkOpen();
    throw new KvError('NOT_SUPPORTED', 'cannot move refs in the quarantine of a push', { hint: 'accept it, and move them then' });
  }

  async openQuarantine(): Promise<Quarantine> {
    throw new KvError('NOT_SUPPORTED', 'a quarantine has no quarantine of its own', { hint: 'open it on the repository itself' });
  }

  async accept(): Promise<void> {
    this.checkOpen();
    const objects = [...this.pending.objects.values()];
    await this.pending.handOver(() => this.behind.write(objects));
    await this.close();
  }

  async close(): Promise<void> {
    this.pending.clear();
    this.closed = true;
  }

  private checkOpen(): void {
    if (this.closed) throw new KvError('UNEXPECTED', 'this quarantine is closed', { hint: 'open another' });
  }
}
