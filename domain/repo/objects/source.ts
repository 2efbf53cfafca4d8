import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { oidBytesIn } from '../../git/tree.js';
import type { TreeReader } from '../../git/tree-draft.js';
import type { CommitInfo } from '../types.js';
import { type CommitFacts, readCommit, readFacts } from './commit-object.js';

/** Commits whose facts are kept. */
const KEPT = 8192;

const EMPTY = new Uint8Array(0);

/** Objects that are not in the store yet, such as a Map of them. */
export interface Held {
  get(oid: Oid): NewObject | undefined;
}

/** Where use cases read objects: a store, behind objects that are not in it yet. */
export class ObjectSource implements TreeReader {
  readonly oidBytes: number;
  private readonly facts: Map<Oid, CommitFacts>;

  constructor(
    private readonly store: TreeReader,
    readonly format: ObjectFormat,
    private readonly pending: Held | null = null,
    behind: ObjectSource | null = null,
  ) {
    this.oidBytes = oidBytesIn(format);
    this.facts = behind?.facts ?? new Map();
  }

  /** The same, behind further objects. */
  behind(pending: Held): ObjectSource {
    return new ObjectSource(this, this.format, pending, this);
  }

  async read(oids: readonly Oid[]): Promise<(GitObject | null)[]> {
    const { pending } = this;
    if (pending === null) return this.store.read(oids);
    const out: (GitObject | null)[] = oids.map((oid) => pending.get(oid) ?? null);
    const missing = oids.filter((_, i) => out[i] === null);
    if (missing.length === 0) return out;
    const found = await this.store.read(missing);
    let at = 0;
    return out.map((object) => object ?? found[at++] ?? null);
  }

  async get(oid: Oid): Promise<GitObject | null> {
    return (await this.read([oid]))[0] ?? null;
  }

  /** The body of a blob. Throws `GIT_ERROR` where it is missing. */
  async blob(oid: Oid): Promise<Uint8Array> {
    return this.body(oid, 'blob');
  }

  /** How many bytes blobs have; what is missing is left out. */
  async sizes(oids: readonly Oid[]): Promise<Map<Oid, number>> {
    const sizes = new Map<Oid, number>();
    for (const object of await this.read(oids)) if (object !== null) sizes.set(object.oid, object.body.length);
    return sizes;
  }

  /** The body of a tree; empty for null. Throws `GIT_ERROR` where it is missing. */
  async tree(oid: Oid | null): Promise<Uint8Array> {
    return oid === null ? EMPTY : this.body(oid, 'tree');
  }

  /** What a walk needs of a commit. Throws `GIT_ERROR` where it is missing. */
  async commit(oid: Oid): Promise<CommitFacts> {
    const known = this.facts.get(oid);
    if (known !== undefined) return known;
    const facts = readFacts(await this.body(oid, 'commit'), oid);
    this.know(facts);
    return facts;
  }

  /** Remembers what was just written. */
  know(facts: CommitFacts): void {
    if (this.facts.size >= KEPT) for (const old of [...this.facts.keys()].slice(0, KEPT / 2)) this.facts.delete(old);
    this.facts.set(facts.oid, facts);
  }

  /** All of a commit. Throws `GIT_ERROR` where it is missing. */
  async commitInfo(oid: Oid): Promise<CommitInfo> {
    return readCommit(await this.body(oid, 'commit'), oid);
  }

  private async body(oid: Oid, type: GitObject['type']): Promise<Uint8Array> {
    // Without a way through `read`: this is what each commit and each look at a path waits for.
    const object = this.pending?.get(oid) ?? (await this.store.read([oid]))[0] ?? null;
    if (object?.type === type) return object.body;
    throw new KvError('GIT_ERROR', `${type} ${oid} is missing`, { hint: 'this repository is damaged, or shallow' });
  }
}
