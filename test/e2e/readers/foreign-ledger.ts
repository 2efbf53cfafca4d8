import { type GitCliStore, openGitStore } from '../../../adapters/git-cli/store.js';
import { lacking } from '../../../adapters/remote-memory/lacking.js';
import type { Clone } from '../../../domain/client/clone/clone.js';
import { newEpoch } from '../../../domain/client/epochs/new-epoch.js';
import type { RequestedOperation } from '../../../domain/client/write/operations.js';
import { write } from '../../../domain/client/write/write.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { type Commit, decodeCommit, encodeCommit } from '../../../domain/git/commit.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import { MODE_DIR, MODE_FILE, oidBytesIn } from '../../../domain/git/tree/tree.js';
import { PathEdits, seal } from '../../../domain/git/tree/tree-draft.js';
import { compactedCommit } from '../../../domain/ledger/compacted.js';
import { formatTime } from '../../../domain/ledger/value/metadata.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { openMemoryClient } from '../../support/memory/client.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import type { MemoryPeople } from '../../support/memory/people.js';
import { Sandbox } from '../../support/worlds/sandbox.js';

export const LEDGER = 'refs/kv/main';
export const INDEX = 'refs/kv-index/main';
export const CHUNKS = 'refs/kv-chunks/main@three';

/** Keys that spell what a path, JSON or a terminal must not take for something else. */
export const ODD_KEYS: readonly string[] = ['🔑/..', '"quoted\\"', 'line\u2028separator', '.git', '~%2E', 'a', 'ab', 'a.b'];
export const LARGE = 'one line of a large value\n'.repeat(200);
/** How long the key that expires lives, long enough to be taken by a gateway. ms. */
const LIFE = 3000;

/** A ledger that has one of everything, in a bare repository on the disk; and the ways in which it can be spoilt. */
export class ForeignLedger {
  private readonly namer: ObjectNamer;
  private refs = new Map<RefName, Oid>();

  private constructor(
    private readonly sandbox: Sandbox,
    readonly path: string,
    readonly store: GitCliStore,
    private readonly people: MemoryPeople,
    /** When the key `soon` is no longer there. ms since the epoch. */
    readonly expires: number,
    { hasher }: Clone,
  ) {
    this.namer = new ObjectNamer(hasher, store.objectFormat);
  }

  /** Three epochs: `one` is compacted, `two` archived, `three` the current one. */
  static async create(format: ObjectFormat): Promise<ForeignLedger> {
    const policy = (text: string): string => text.replace(/chunking: .*/, 'chunking: { mode: fixed, size: 1KiB }');
    const gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy });
    const client = await openMemoryClient(gateway, 'ada');
    const { clone } = client;
    const expires = Date.now() + LIFE;
    await fill(clone, expires);
    await gateway.mirrored();
    const sandbox = new Sandbox();
    const path = sandbox.bare('kv.git', format);
    const store = await openGitStore({ directory: path, env: sandbox.env });
    const ledger = new ForeignLedger(sandbox, path, store, gateway.people, expires, clone);
    await ledger.take(gateway.store);
    await client.close();
    await gateway.close();
    return ledger;
  }

  async close(): Promise<void> {
    await this.store.close();
    this.sandbox.remove();
  }

  /** Sets all refs back. */
  async restore(): Promise<void> {
    for (const ref of new Set([...(await this.store.refs(['refs/'])).keys(), ...this.refs.keys()]))
      await this.move(ref, this.refs.get(ref) ?? null);
  }

  async move(ref: RefName, next: Oid | null): Promise<void> {
    const old = (await this.store.refs([ref])).get(ref) ?? null;
    if (old !== next) await this.store.updateRefs([{ ref, old, next }], 'spoilt');
  }

  /** What a ref points to, or a commit by its id. */
  async commit(name: RefName | Oid): Promise<Commit & { readonly oid: Oid }> {
    const oid = name.startsWith('refs/') ? ((await this.store.refs([name])).get(name) as Oid) : name;
    const [object] = await this.store.read([oid]);
    return { ...decodeCommit(object?.body ?? new Uint8Array(), oid, this.store.objectFormat), oid };
  }

  /** Writes a commit, signed by somebody if by anybody; gives its id. */
  async make(commit: Commit, signer: string | null): Promise<Oid> {
    const unsigned = { ...commit, signature: null };
    const payload = encodeCommit(unsigned, this.store.objectFormat);
    const signature = signer === null ? null : await this.people.signer(signer).sign(payload);
    return this.makeAs({ ...unsigned, signature });
  }

  /** Writes a commit as it is; gives its id. */
  makeAs(commit: Commit): Promise<Oid> {
    return this.put('commit', encodeCommit(commit, this.store.objectFormat));
  }

  blob(text: string): Promise<Oid> {
    return this.put('blob', utf8(text));
  }

  /** A ref's tree with another blob at the path that ends so, or without it. */
  async treeOf(ref: RefName, end: string, blob: Oid | null): Promise<Oid> {
    const { tree } = await this.commit(ref);
    const dirs = (await this.file(ref, end)).path.split('/');
    const edits = new PathEdits();
    edits.put(dirs, dirs.pop() as string, { mode: MODE_FILE, oid: blob, previous: null });
    const built: NewObject[] = [];
    const made = seal(await edits.load(this.store, tree, oidBytesIn(this.store.objectFormat)), this.namer, built);
    await this.store.write(built);
    return made as Oid; // some file of these trees always stays
  }

  /** A ref's tree with an empty directory in its root. */
  async withDirectory(ref: RefName, name: string): Promise<Oid> {
    const empty = this.namer.object('tree', new Uint8Array(0));
    const edits = new PathEdits();
    edits.put([], name, { mode: MODE_DIR, oid: empty.oid, previous: null });
    const built: NewObject[] = [empty];
    const { tree } = await this.commit(ref);
    const made = seal(await edits.load(this.store, tree, oidBytesIn(this.store.objectFormat)), this.namer, built);
    await this.store.write(built);
    return made as Oid; // it has that directory
  }

  /** The file of a ref's tree whose path ends so. */
  async file(ref: RefName, end: string): Promise<{ readonly path: string; readonly oid: Oid; readonly text: string }> {
    const lines = this.sandbox.git(this.path, 'ls-tree', '-r', ref).split('\n');
    const [, oid = '', path = ''] = /^\S+ blob (\S+)\t(.*)$/.exec(lines.find((line) => line.endsWith(end)) ?? '') ?? [];
    return { path, oid, text: this.sandbox.git(this.path, 'cat-file', 'blob', oid) };
  }

  /** Replaces the last transaction by one with other trees or trailers, bound and signed as it should be. */
  async amend(change: {
    ledger?: Oid;
    index?: Oid;
    chunks?: Oid;
    message?: (text: string) => string;
    signer?: string | null;
  }): Promise<void> {
    const [ledger, index] = [await this.commit(LEDGER), await this.commit(INDEX)];
    const trees = { ledger: change.ledger ?? ledger.tree, index: change.index ?? index.tree };
    let message = ledger.message.replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${trees.index}`);
    if (change.chunks !== undefined) {
      message = message.replace(/^KV-Chunks-Tree: .*$/m, `KV-Chunks-Tree: ${change.chunks}`);
      await this.move(CHUNKS, await this.make({ ...(await this.commit(CHUNKS)), tree: change.chunks }, null));
    }
    const bound = index.message.replace(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${trees.ledger}`);
    await this.move(INDEX, await this.make({ ...index, tree: trees.index, message: bound }, null));
    const signer = change.signer === undefined ? 'ada' : change.signer;
    const amended = { ...ledger, tree: trees.ledger, message: change.message?.(message) ?? message };
    await this.move(LEDGER, await this.make(amended, signer));
  }

  /** Takes over what a store has, and compacts the first epoch as a Stargate leaves it. */
  private async take(from: GitStore): Promise<void> {
    const refs = await from.refs(['refs/']);
    const nothing = { read: async (oids: readonly Oid[]) => oids.map(() => null) };
    await this.store.write(await lacking(from, nothing, [...refs.values()], this.store.objectFormat));
    const archive = refs.get('refs/kv-archive/main@one') as Oid;
    const gone = compactedCommit(this.namer, { v: 1, ns: 'main', epoch: 'one', archive, compacted: formatTime(Date.now()) });
    await this.store.write([gone]);
    refs.set('refs/kv-compacted/main@one', gone.oid);
    for (const kind of ['archive', 'chunks', 'watchlog']) refs.delete(`refs/kv-${kind}/main@one`);
    this.refs = refs;
    await this.restore();
  }

  private async put(type: 'blob' | 'commit', body: Uint8Array): Promise<Oid> {
    const object = this.namer.object(type, body);
    await this.store.write([object]);
    return object.oid;
  }
}

/** One of everything: the last transaction of all brings chunks. */
async function fill(clone: Clone, expires: number): Promise<void> {
  const put = (...operations: RequestedOperation[]): Promise<unknown> =>
    write(clone, { ns: 'main', operations, maxInline: 2048 });
  const set = (key: string, value: string): RequestedOperation => ({
    op: 'set',
    key,
    value: utf8(value),
    ctype: 'text/plain; charset="utf-8"',
  });
  await put(set('cfg:a', 'one'), { ...set('soon', 'x'), expiresAt: expires } as RequestedOperation);
  await newEpoch(clone, 'main', 'one');
  await put({ ...set('cfg:later', 'y'), expiresAt: expires + 365 * 24 * 3600 * 1000 } as RequestedOperation, set('large', LARGE));
  await newEpoch(clone, 'main', 'two');
  await put(...ODD_KEYS.map((key) => set(key, `the value of ${key}`)), set('cfg:gone', 'x'));
  await put({ op: 'del', key: 'cfg:gone' }, set('cfg:a', 'two'));
  await newEpoch(clone, 'main', 'three');
  // More than a directory of the index takes.
  await put(...Array.from({ length: 300 }, (_, i) => set(`user:${i}`, String(i))), { op: 'del', key: 'user:none' });
  await put({ op: 'del', key: 'user:7' }, set('cfg:a', 'three'));
  await put(set('large', `${LARGE}and a line more\n`), set('empty', ''));
}
