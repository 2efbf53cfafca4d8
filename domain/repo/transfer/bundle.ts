import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { utf8 } from '../../git/bytes.js';
import { writePack } from '../../git/pack/write-pack.js';
import type { Zlib } from '../../git/pack/zlib.js';
import { ObjectSource } from '../objects/source.js';
import { peel } from '../refs/revision.js';
import { planPack } from '../serve/fetch/plan-pack.js';
import { selectCommits } from '../serve/fetch/select-commits.js';
import { reachableObjects } from './copy.js';
import { storedPack } from './stored-pack.js';

/** Objects that are read at a time. */
const TOGETHER = 64;

/** Where a bundle is made from. */
type Bundled = Pick<GitStore, 'read' | 'refs' | 'head' | 'objectFormat'>;

/**
 * A bundle (gitformat-bundle) of refs and all that they reach, in pieces, as `git clone` takes it. The refs are those of the moment at
 * which the first piece is asked for. With a library for compression it is small, without one it is not. Throws `NOT_FOUND` where there are
 * no refs, since git takes no empty bundle.
 */
export async function* bundleOf(
  store: Bundled,
  hasher: Hasher,
  { patterns = ['refs/heads/', 'refs/tags/'], zlib }: { readonly patterns?: readonly string[]; readonly zlib?: Zlib } = {},
): AsyncGenerator<Uint8Array> {
  const refs = new Map(await store.refs(patterns));
  if (refs.size === 0)
    throw new KvError('NOT_FOUND', 'there is no branch and no tag to bundle', { hint: 'commit something first' });
  const head = await store.head?.();
  const tip = head === undefined ? undefined : head.startsWith('refs/') ? refs.get(head) : head;
  if (tip !== undefined) refs.set('HEAD', tip);
  const { objectFormat } = store;
  const version = objectFormat === 'sha1' ? '# v2 git bundle\n' : '# v3 git bundle\n@object-format=sha256\n';
  const lines = [...refs].map(([ref, oid]) => `${oid} ${ref}\n`);
  yield utf8(`${version}${lines.join('')}\n`);
  const tips = [...new Set(refs.values())];
  if (zlib === undefined) yield* storedOf(store, hasher, tips);
  else yield* packedOf(store, hasher, zlib, tips);
}

async function* storedOf(store: Bundled, hasher: Hasher, tips: readonly Oid[]): AsyncGenerator<Uint8Array> {
  const oids: Oid[] = [];
  // Ids alone are held: the objects are read again while they are written.
  for await (const { oid } of reachableObjects(store, tips)) oids.push(oid);
  yield* storedPack(store.objectFormat, oids.length, objectsOf(store, oids), hasher.stream(store.objectFormat));
}

async function* packedOf(store: Bundled, hasher: Hasher, zlib: Zlib, tips: readonly Oid[]): AsyncGenerator<Uint8Array> {
  const source = new ObjectSource(store, store.objectFormat);
  const wants: Oid[] = [];
  const others: Oid[] = [];
  for (const tip of tips) {
    const commit = await peel(source, tip);
    if (commit !== null) wants.push(commit);
    if (commit !== tip) others.push(tip);
  }
  const none = new Set<Oid>();
  const turn = (): Promise<void> => zlib.turn();
  const commits = await selectCommits(source, { wants, haves: [], shallow: none, cut: none }, turn);
  const items = await planPack(source, { commits, cut: none, theirs: [], others, thin: false, filter: null, behind: null }, turn);
  const read = (oids: readonly Oid[]) => store.read(oids);
  const hash = hasher.stream(store.objectFormat);
  yield* writePack(items, { format: store.objectFormat, read, zlib, hash, distances: true });
}

async function* objectsOf(store: Pick<GitStore, 'read'>, oids: readonly Oid[]): AsyncGenerator<GitObject> {
  for (let from = 0; from < oids.length; from += TOGETHER) {
    for (const [i, object] of (await store.read(oids.slice(from, from + TOGETHER))).entries()) {
      if (object === null)
        throw new KvError('GIT_ERROR', `object ${oids[from + i]} has gone while it was bundled`, { hint: 'try again' });
      yield object;
    }
  }
}
