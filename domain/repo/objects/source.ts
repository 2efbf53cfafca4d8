import { KvError } from '../../../ports/error.js';
import type { AtHand, NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { oidBytesIn } from '../../git/tree/tree.js';
import type { TreeReader } from '../../git/tree/tree-draft.js';
import type { CommitInfo } from '../types.js';
import { type CommitFacts, readCommit, readFacts } from './commit-object.js';

/** Commits whose facts are kept, of each of two generations. */
const KEPT = 4096;

const EMPTY = new Uint8Array(0);

/** What is known lately, and what was before that; shared by all sources of one store. */
interface Generation {
  newest: Map<Oid, CommitFacts>;
  before: Map<Oid, CommitFacts>;
}

/** Objects that are not in the store yet, such as a Map of them. */
export interface Held {
  get(oid: Oid): NewObject | undefined;
}

/** Where use cases read objects: a store, behind objects that are not in it yet. */
export class ObjectSource implements TreeReader, Pick<AtHand, 'object'> {
  readonly oidBytes: number;
  private readonly facts: Generation;

  constructor(
    private readonly store: TreeReader,
    readonly format: ObjectFormat,
    private readonly pending: Held | null = null,
    behind: ObjectSource | null = null,
    /** Tells of what needn't be waited for. */
    private readonly atHand: Pick<AtHand, 'object'> | null = null,
  ) {
    this.oidBytes = oidBytesIn(format);
    this.facts = behind?.facts ?? { newest: new Map(), before: new Map() };
  }

  /** The same, behind further objects. */
  behind(pending: Held): ObjectSource {
    return new ObjectSource(this, this.format, pending, this, this);
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

  /** An object that needn't be waited for; null where it must be. */
  object(oid: Oid): GitObject | null {
    return this.pending?.get(oid) ?? this.atHand?.object(oid) ?? null;
  }

  /** The body of a blob. Throws `GIT_ERROR` where it is missing. */
  blob(oid: Oid): Uint8Array | Promise<Uint8Array> {
    return this.body(oid, 'blob');
  }

  /** How many bytes blobs have; what is missing is left out. */
  async sizes(oids: readonly Oid[]): Promise<Map<Oid, number>> {
    const sizes = new Map<Oid, number>();
    for (const object of await this.read(oids)) if (object !== null) sizes.set(object.oid, object.body.length);
    return sizes;
  }

  /** The body of a tree; empty for null. Throws `GIT_ERROR` where it is missing. */
  tree(oid: Oid | null): Uint8Array | Promise<Uint8Array> {
    return oid === null ? EMPTY : this.body(oid, 'tree');
  }

  /** What a walk needs of a commit. Throws `GIT_ERROR` where it is missing. */
  commit(oid: Oid): CommitFacts | Promise<CommitFacts> {
    const { newest, before } = this.facts;
    const known = newest.get(oid) ?? before.get(oid);
    if (known !== undefined) return known;
    const body = this.body(oid, 'commit');
    return body instanceof Promise ? body.then((read) => this.learnt(read, oid)) : this.learnt(body, oid);
  }

  /** Whether it is known to be a commit, without a look. */
  isCommit(oid: Oid): boolean {
    return this.facts.newest.has(oid) || this.facts.before.has(oid);
  }

  /** Remembers what was just written. */
  know(facts: CommitFacts): void {
    const known = this.facts;
    if (known.newest.size >= KEPT) [known.before, known.newest] = [known.newest, new Map()];
    known.newest.set(facts.oid, facts);
  }

  /** All of a commit. Throws `GIT_ERROR` where it is missing. */
  async commitInfo(oid: Oid): Promise<CommitInfo> {
    return readCommit(await this.body(oid, 'commit'), oid);
  }

  private learnt(body: Uint8Array, oid: Oid): CommitFacts {
    const facts = readFacts(body, oid);
    this.know(facts);
    return facts;
  }

  /** Without a way through `read`, and without a promise where it can be: this is what each commit and each look at a path does. */
  private body(oid: Oid, type: GitObject['type']): Uint8Array | Promise<Uint8Array> {
    const object = this.object(oid);
    return object?.type === type ? object.body : this.waited(oid, type);
  }

  private async waited(oid: Oid, type: GitObject['type']): Promise<Uint8Array> {
    const [object] = await this.read([oid]);
    if (object?.type === type) return object.body;
    throw new KvError('GIT_ERROR', `${type} ${oid} is missing`, { hint: 'this repository is damaged, or shallow' });
  }
}
