import { randomBytes } from 'node:crypto';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { utf8 } from '../../domain/git/bytes.js';
import { type Commit, decodeCommit, encodeCommit } from '../../domain/git/commit.js';
import { ObjectNamer } from '../../domain/git/object.js';
import { MODE_DIR, MODE_FILE, type TreeEntry } from '../../domain/git/tree/tree.js';
import { PathEdits, seal } from '../../domain/git/tree/tree-draft.js';
import { formatTime, type Metadata } from '../../domain/ledger/value/metadata.js';
import { type Base, buildTransaction, type Draft, type Operation } from '../../domain/ledger/transaction/transaction.js';
import { POLICY_REF } from '../../domain/ledger/refs.js';
import { decodeRepositoryId, REPOSITORY_ID_PATH } from '../../domain/ledger/repository-id.js';
import { newUlid } from '../../domain/ledger/ulid.js';
import type { GitStore, NewObject } from '../../ports/git/git-store.js';
import type { Oid, RefName } from '../../ports/vocabulary.js';
import type { Ran } from '../support/programs/processes.js';

const freshId = (): string => newUlid({ now: Date.now, sleep: async () => undefined }, { bytes: randomBytes });

/** A file to add or replace, or a directory: the tree with this id. */
export interface Planted {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly mode?: string;
  readonly tree?: Oid;
}

/** What an attacker makes: a transaction like git kv's, but for one fault. */
export interface Forgery {
  ns: string;
  base: Base;
  operations: Operation[];
  /** Changes the ledger commit before it is signed. */
  ledger: (commit: Commit) => Commit;
  /** Changes the index commit. */
  index: (commit: Commit) => Commit;
  /** Changes the built objects, such as the index tree's. */
  draft: (draft: Draft) => Draft | Promise<Draft>;
  /** Changes the ledger tree: a file to add or replace. */
  plant: Planted[];
  /** Whose key signs; null: nobody's. */
  signer: string | null;
  /** The repository that it names; the Stargate's, unless said; null: none. */
  repository: string | null;
  /** The transaction's id; a fresh one, unless said. */
  txn: string;
}

export interface Forged {
  readonly ledger: Oid;
  readonly index: Oid;
  readonly chunks: Oid | null;
  readonly epoch: string;
}

/** Builds transactions as one person, by the product's own code and then wrong; what they are pushed to is a subclass's. */
export abstract class Forger {
  readonly namer: ObjectNamer;
  /** The id of the transaction that is forged next. */
  /** The next transaction's id, unless it is given another. */
  txn = freshId();
  /** Those of the ones before: operations may have been made before another was forged. */
  private readonly earlier = new Set<string>();
  private repository: string | null = null;

  protected constructor(
    readonly person: string,
    /** The person's own repository. */
    readonly store: GitStore,
  ) {
    this.namer = new ObjectNamer(nodeHasher(), store.objectFormat);
  }

  /** Where to push to, as an argument of `push`. */
  abstract readonly pushUrl: string;

  /** Brings the Stargate's refs under `refs/forge/`, as far as there are such refs. */
  protected abstract fetch(names: readonly RefName[]): Promise<void>;

  /** A signature over a payload by a person's SSH key, armoured. */
  abstract sign(payload: Uint8Array, person: string): Promise<string>;

  /** What `git` does with these arguments of a push, with a person's key. */
  abstract push(args: readonly string[], person?: string): Promise<Ran>;

  close(): Promise<void> {
    return this.store.close();
  }

  set(key: string, value: string | Uint8Array, meta: Partial<Metadata> = {}): Operation {
    const bytes = typeof value === 'string' ? utf8(value) : value;
    const etag = `blake3:${nodeHasher().hex('blake3', bytes)}`;
    const full = {
      ctype: 'text/plain',
      ttl: null,
      etag,
      createdBy: 'forger@example.org',
      createdAt: formatTime(Date.now()),
      txn: this.txn,
      ...meta,
    };
    return { op: 'set', key, value: bytes, meta: full };
  }

  /** Where some refs of the Stargate are, each with its objects brought here; undefined for one that is not there. */
  async tips(names: readonly RefName[]): Promise<(Oid | undefined)[]> {
    await this.fetch(names);
    const refs = await this.store.refs(names.map((name) => `refs/forge/${name}`));
    return names.map((name) => refs.get(`refs/forge/${name}`));
  }

  /** A commit that is here, opened. */
  async opened(oid: Oid): Promise<Commit> {
    const [object] = await this.store.read([oid]);
    return decodeCommit(object?.body ?? new Uint8Array(), oid, this.store.objectFormat);
  }

  /** The id of the Stargate's repository, as it is published. */
  async repositoryId(): Promise<string | null> {
    if (this.repository !== null) return this.repository;
    const [policy = ''] = await this.tips([POLICY_REF]);
    const [blob] = await this.store.readPaths(policy, [REPOSITORY_ID_PATH]);
    this.repository = blob ? decodeRepositoryId(blob.body) : null;
    return this.repository;
  }

  /** The state to build on: what the Stargate has now. */
  async base(ns = 'main'): Promise<Base> {
    const [ledger, index] = await this.tips([`refs/kv/${ns}`, `refs/kv-index/${ns}`]);
    if (ledger === undefined || index === undefined)
      return { ledger: null, index: null, chunks: null, epoch: '2026Q1', parentEpoch: null };
    const commit = await this.opened(ledger);
    const epoch = /^Epoch: (.*)$/m.exec(commit.message)?.[1] ?? '';
    const parent = /^Parent-Epoch: (.*)$/m.exec(commit.message)?.[1] ?? '-';
    const parentEpoch = parent === '-' ? null : parent;
    const { tree: indexTree } = await this.opened(index);
    return {
      ledger: { commit: ledger, tree: commit.tree },
      index: { commit: index, tree: indexTree },
      chunks: null,
      epoch,
      parentEpoch,
    };
  }

  async forge(change: Partial<Forgery> = {}): Promise<Forged> {
    const ns = change.ns ?? 'main';
    const base = change.base ?? (await this.base(ns));
    const txn = change.txn ?? this.txn;
    this.earlier.add(this.txn);
    const made = change.operations ?? [this.set('cfg:forged', `value ${Math.random()}`)];
    const operations = made.map((one) =>
      one.op === 'set' && this.earlier.has(one.meta.txn) ? { ...one, meta: { ...one.meta, txn } } : one,
    );
    this.txn = freshId();
    const identity = `${this.person} <${this.person}@example.org>`;
    const repository = change.repository === undefined ? await this.repositoryId() : change.repository;
    const context = { store: this.store, namer: this.namer, ns, identity, now: Date.now(), txn, repository };
    let draft = await buildTransaction(context, base, operations);
    if (change.plant !== undefined) draft = await this.plant(draft, change.plant);
    if (change.draft !== undefined) draft = await change.draft(draft);
    const format = this.store.objectFormat;
    const index =
      change.index === undefined
        ? draft.indexCommit
        : this.commit(change.index(decodeCommit(draft.indexCommit.body, '', format)));
    const unsigned = change.ledger === undefined ? draft.ledgerCommit : change.ledger(draft.ledgerCommit);
    const signer = change.signer === undefined ? this.person : change.signer;
    const signature = unsigned.signature ?? (signer === null ? null : await this.sign(encodeCommit(unsigned, format), signer));
    const ledger = this.commit({ ...unsigned, signature });
    await this.store.write([...draft.objects, index, ledger]);
    return { ledger: ledger.oid, index: index.oid, chunks: draft.chunksCommit?.oid ?? null, epoch: base.epoch };
  }

  /** Writes a tree with these entries, in this order; gives its id. */
  async tree(entries: readonly TreeEntry[]): Promise<Oid> {
    const body = Buffer.concat(
      entries.map(({ mode, name, oid }) => Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(oid, 'hex')])),
    );
    const object = this.namer.object('tree', body);
    await this.store.write([object]);
    return object.oid;
  }

  commit(commit: Commit): NewObject {
    return this.namer.object('commit', encodeCommit(commit, this.store.objectFormat));
  }

  /** Puts files into the ledger tree that no operation would, and binds the commits to it again. */
  private async plant(draft: Draft, files: readonly Planted[]): Promise<Draft> {
    const oidBytes = this.store.objectFormat === 'sha1' ? 20 : 32;
    await this.store.write(draft.objects);
    const objects: NewObject[] = [];
    const edits = new PathEdits();
    for (const { path, content = '', mode, tree } of files) {
      const dirs = path.split('/');
      const blob = this.namer.object('blob', typeof content === 'string' ? utf8(content) : content);
      if (tree === undefined) objects.push(blob);
      const file = { mode: mode ?? (tree === undefined ? MODE_FILE : MODE_DIR), oid: tree ?? blob.oid, previous: null };
      edits.put(dirs, dirs.pop() as string, file);
    }
    const tree = seal(await edits.load(this.store, draft.ledgerCommit.tree, oidBytes), this.namer, objects) as Oid;
    const index = decodeCommit(draft.indexCommit.body, '', this.store.objectFormat);
    const indexCommit = this.commit({
      ...index,
      message: index.message.replace(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${tree}`),
    });
    return {
      ...draft,
      ledgerCommit: { ...draft.ledgerCommit, tree },
      indexCommit,
      objects: [...draft.objects, ...objects, indexCommit],
    };
  }

  /** Pushes a forged transaction with plain git. */
  send(
    forged: Forged,
    options: { ns?: string; atomic?: boolean; extra?: string[]; person?: string; first?: boolean } = {},
  ): Promise<Ran> {
    const ns = options.ns ?? 'main';
    const specs = [`${forged.ledger}:refs/kv/${ns}`, `${forged.index}:refs/kv-index/${ns}`];
    if (forged.chunks !== null) specs.push(`${forged.chunks}:refs/kv-chunks/${ns}@${forged.epoch}`);
    if (options.first === true) specs.push(`${forged.ledger}:refs/kv-epoch/${ns}`);
    const atomic = options.atomic === false ? [] : ['--atomic'];
    return this.push(['push', ...atomic, this.pushUrl, ...specs, ...(options.extra ?? [])], options.person);
  }
}
