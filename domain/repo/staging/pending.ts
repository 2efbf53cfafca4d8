import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { Held } from '../objects/source.js';

/** What an object that isn't stored yet takes besides its body, bytes. */
const AN_OBJECT = 300;

const NONE: (() => void)[] = [];
const NOTHING: ReadonlyMap<Oid, NewObject> = new Map();

/** Objects that nothing in the store needs yet: counted against the repository's limits, dropped without a trace. */
export class Pending implements Held {
  // Most realities hold nothing of their own.
  private known: Map<Oid, NewObject> | null = null;
  private releases: (() => void)[] = NONE;
  private held = 0;

  get(oid: Oid): NewObject | undefined {
    return this.known?.get(oid);
  }

  /** What is held now. */
  get objects(): ReadonlyMap<Oid, NewObject> {
    return this.known ?? NOTHING;
  }

  constructor(private readonly store: Pick<GitStore, 'reserve'>) {}

  /** Bytes that are held. */
  get bytes(): number {
    return this.held;
  }

  /** Keeps objects, all or none. Throws `STORAGE_FULL`. */
  add(...objects: readonly NewObject[]): void {
    let bytes = 0;
    for (const { oid, body } of objects) if (!this.objects.has(oid)) bytes += body.length + AN_OBJECT;
    if (bytes === 0) return;
    this.known ??= new Map();
    this.hold(bytes);
    this.held += bytes;
    for (const object of objects) this.known.set(object.oid, object);
  }

  /** Forgets all but these. */
  keepOnly(oids: ReadonlySet<Oid>): void {
    const kept = [...this.objects.values()].filter(({ oid }) => oids.has(oid));
    this.clear();
    this.add(...kept);
  }

  /** Lets what is held be stored, in the room that was kept for it; forgets it when that went well. */
  handOver(store: () => void | Promise<void>): void | Promise<void> {
    this.release();
    try {
      const storing = store();
      if (storing instanceof Promise)
        return storing.then(
          () => this.clear(),
          (error: unknown) => this.tookBack(error),
        );
    } catch (error) {
      return this.tookBack(error);
    }
    this.clear();
  }

  /** Holds again what could not be stored, and throws why. */
  private tookBack(error: unknown): never {
    if (this.held > 0) this.hold(this.held);
    throw error;
  }

  /** Forgets everything and gives the room back. */
  clear(): void {
    this.known?.clear();
    this.held = 0;
    this.release();
  }

  private hold(bytes: number): void {
    const release = this.store.reserve?.(bytes);
    if (release === undefined) return;
    if (this.releases === NONE) this.releases = [release];
    else this.releases.push(release);
  }

  private release(): void {
    const { releases } = this;
    this.releases = NONE;
    for (const release of releases) release();
  }
}
