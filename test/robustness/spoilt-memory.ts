import { randomBytes } from 'node:crypto';
import { fixedChunker } from '../../adapters/chunker-fixed/open.js';
import { lacking } from '../../adapters/remote-memory/lacking.js';
import { utf8 } from '../../domain/git/bytes.js';
import { type Commit, decodeCommit, encodeCommit } from '../../domain/git/commit.js';
import { ObjectNamer } from '../../domain/git/object.js';
import { MODE_DIR, MODE_FILE, oidBytesIn, readTree } from '../../domain/git/tree/tree.js';
import { PathEdits, seal } from '../../domain/git/tree/tree-draft.js';
import type { Clone } from '../../domain/client/clone/clone.js';
import { verifyClone, type VerifyReport } from '../../domain/client/verify/verify.js';
import type { RequestedOperation } from '../../domain/client/write/operations.js';
import { write } from '../../domain/client/write/write.js';
import { KvError } from '../../ports/error.js';
import type { GitStore, NewObject } from '../../ports/git/git-store.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName } from '../../ports/vocabulary.js';
import { type MemoryClient, openMemoryPlace } from '../support/memory/client.js';

const LEDGER = 'refs/kv/main';
const INDEX = 'refs/kv-index/main';

/** An object is gone, or its file ends whoever reads it, or it holds these bytes under the same id. */
export type Damage = 'missing' | 'unreadable' | Uint8Array;

/** A repository in memory without a remote, and the ways in which it can be spoilt. */
export class MemorySpoilt {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  chunksRef: RefName = '';
  private refs = new Map<RefName, Oid>();
  private readonly damaged = new Map<Oid, Damage>();

  private constructor(private readonly place: MemoryClient) {
    this.store = place.clone.store;
    this.namer = new ObjectNamer(place.clone.hasher, this.store.objectFormat);
  }

  static async filled(format: ObjectFormat): Promise<MemorySpoilt> {
    const place = await openMemoryPlace(format, 'wendy');
    // Small chunks, since they are hashed again by each of many verifications.
    const forWriting = async () => ({ ...(await place.clone.forWriting()), chunkerFor: async () => fixedChunker(4096) });
    const clone: Clone = { ...place.clone, forWriting };
    const spoilt = new MemorySpoilt(place);
    const put = (operation: RequestedOperation): Promise<unknown> =>
      write(clone, { ns: 'main', operations: [operation], maxInline: 8192 });
    const set = (key: string, value: string | Uint8Array, ttl?: number): Promise<unknown> => {
      const expires = ttl === undefined ? {} : { expiresAt: clone.clock.now() + ttl };
      return put({ op: 'set', key, value: typeof value === 'string' ? utf8(value) : value, ...expires });
    };
    await set('cfg:a', 'one');
    await set('cfg:b', 'two', 30 * 24 * 3600 * 1000);
    await set('large', randomBytes(15_000));
    await set('cfg:a', 'three');
    await set('gone', 'x');
    await put({ op: 'del', key: 'gone' });
    spoilt.refs = await spoilt.store.refs(['refs/']);
    spoilt.chunksRef = [...spoilt.refs.keys()].find((ref) => ref.startsWith('refs/kv-chunks/')) ?? '';
    return spoilt;
  }

  close(): Promise<void> {
    return this.place.close();
  }

  /** Sets refs back, and every object to what it was. */
  async restore(): Promise<void> {
    this.damaged.clear();
    for (const ref of new Set([...(await this.store.refs(['refs/'])).keys(), ...this.refs.keys()]))
      await this.move(ref, this.refs.get(ref) ?? null);
  }

  /** What becomes of an object from now on. */
  damage(oid: Oid, how: Damage): void {
    this.damaged.set(oid, how);
  }

  /** What `git kv verify` looks at. */
  async verify(full: boolean): Promise<VerifyReport> {
    const found = <T extends GitObject | ObjectHeader>(object: T | null): T | null => {
      const how = object === null ? undefined : this.damaged.get(object.oid);
      if (object === null || how === undefined) return object;
      if (how === 'unreadable') throw new KvError('GIT_ERROR', `object ${object.oid} ends git cat-file`);
      if (how === 'missing') return null;
      return 'body' in object ? { ...object, body: how } : object;
    };
    const { store } = this;
    const spoilt: Partial<GitStore> = {
      read: async (oids) => (await store.read(oids)).map(found),
      headers: async (oids) => (await store.headers(oids)).map(found),
    };
    // What only the prototype has stays in reach.
    const clone: Clone = { ...this.place.clone, store: Object.assign(Object.create(store) as GitStore, spoilt) };
    return verifyClone(clone, this.place.verifier, { ns: 'main', full });
  }

  /** Every object that a ref reaches. */
  async reachable(): Promise<Oid[]> {
    const nothing = { read: async (oids: readonly Oid[]) => oids.map(() => null) };
    const objects = await lacking(this.store, nothing, [...this.refs.values()], this.store.objectFormat);
    return objects.map(({ oid }) => oid);
  }

  async move(ref: RefName, next: Oid | null): Promise<void> {
    const old = (await this.store.refs([ref])).get(ref) ?? null;
    if (old !== next) await this.store.updateRefs([{ ref, old, next }], 'spoilt');
  }

  async commitAt(ref: RefName): Promise<Commit & { readonly oid: Oid }> {
    const oid = (await this.store.refs([ref])).get(ref) ?? '';
    return { ...(await this.opened(oid)), oid };
  }

  /** The commits of a ref's line, oldest first. */
  async line(ref: RefName): Promise<Oid[]> {
    const commits: Oid[] = [];
    for await (const oid of this.store.history({ tip: (await this.commitAt(ref)).oid })) commits.unshift(oid);
    return commits;
  }

  /** Every file of a ref's tree: path to blob. */
  async files(ref: RefName): Promise<Map<string, Oid>> {
    const found = new Map<string, Oid>();
    const walk = async (tree: Oid, prefix: string): Promise<void> => {
      const [object] = await this.store.read([tree]);
      for (const { name, mode, oid } of readTree(object?.body ?? new Uint8Array(), oidBytesIn(this.store.objectFormat))) {
        if (mode === MODE_DIR) await walk(oid, `${prefix}${name}/`);
        else found.set(prefix + name, oid);
      }
    };
    await walk((await this.commitAt(ref)).tree, '');
    return found;
  }

  /** The path of a ref's tree that ends so. */
  async path(ref: RefName, end: string): Promise<string> {
    const found = [...(await this.files(ref)).keys()].find((path) => path.endsWith(end));
    if (found === undefined) throw new Error(`no path ends in ${end}`);
    return found;
  }

  /** The id of what is at a path of a ref's tree. */
  async idAt(ref: RefName, path: string): Promise<Oid> {
    const [object] = await this.store.readPaths((await this.commitAt(ref)).tree, [path]);
    return object?.oid ?? '';
  }

  async text(ref: RefName, path: string): Promise<string> {
    const [object] = await this.store.read([(await this.files(ref)).get(path) ?? '']);
    return new TextDecoder().decode(object?.body);
  }

  async blob(text: string): Promise<Oid> {
    const blob = this.namer.object('blob', utf8(text));
    await this.store.write([blob]);
    return blob.oid;
  }

  /** Puts a blob at a path of a tree, or takes the path away; gives the new tree. */
  async tree(from: Oid, path: string, blob: Oid | null, mode = MODE_FILE): Promise<Oid> {
    const edits = new PathEdits();
    const dirs = path.split('/');
    edits.put(dirs, dirs.pop() as string, { mode, oid: blob, previous: null });
    const built: NewObject[] = [];
    const tree = seal(await edits.load(this.store, from, oidBytesIn(this.store.objectFormat)), this.namer, built);
    await this.store.write(built);
    return tree as Oid; // some file of these trees always stays
  }

  /** The same of a ref's tree. */
  async treeOf(ref: RefName, path: string, blob: Oid | null): Promise<Oid> {
    return this.tree((await this.commitAt(ref)).tree, path, blob);
  }

  /** A ref's tree with an empty directory at a path, or with another one that is here. */
  async directoryOf(ref: RefName, path: string, tree?: Oid): Promise<Oid> {
    const empty = this.namer.object('tree', new Uint8Array(0));
    await this.store.write([empty]);
    return this.tree((await this.commitAt(ref)).tree, path, tree ?? empty.oid, MODE_DIR);
  }

  /** Replaces the last transaction by one with other trees, bound and signed as it should be. */
  async amend(trees: { ledger?: Oid; index?: Oid; chunks?: Oid }): Promise<void> {
    const [ledger, index] = [await this.commitAt(LEDGER), await this.commitAt(INDEX)];
    const ledgerTree = trees.ledger ?? ledger.tree;
    const indexTree = trees.index ?? index.tree;
    let message = ledger.message.replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${indexTree}`);
    if (trees.chunks !== undefined) {
      message = message.replace(/^KV-Chunks-Tree: .*$/m, `KV-Chunks-Tree: ${trees.chunks}`);
      await this.commit(this.chunksRef, { ...(await this.commitAt(this.chunksRef)), tree: trees.chunks });
    }
    const bound = index.message.replace(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${ledgerTree}`);
    await this.commit(INDEX, { ...index, tree: indexTree, message: bound });
    const unsigned = { ...ledger, tree: ledgerTree, message, signature: null };
    const { signer } = await this.place.clone.forWriting();
    await this.commit(LEDGER, { ...unsigned, signature: await signer.sign(encodeCommit(unsigned, this.store.objectFormat)) });
  }

  /** Writes a commit and moves a ref to it. */
  async commit(ref: RefName, commit: Commit): Promise<void> {
    const object = this.namer.object('commit', encodeCommit(commit, this.store.objectFormat));
    await this.store.write([object]);
    await this.move(ref, object.oid);
  }

  /** Winds ledger and index back to the transaction that brought the chunks: the third. */
  async toChunkTransaction(): Promise<void> {
    for (const ref of [LEDGER, INDEX]) await this.move(ref, (await this.line(ref))[2] as Oid);
  }

  private async opened(oid: Oid): Promise<Commit> {
    const [object] = await this.store.read([oid]);
    return decodeCommit(object?.body ?? new Uint8Array(), oid, this.store.objectFormat);
  }
}
