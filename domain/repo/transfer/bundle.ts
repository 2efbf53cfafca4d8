import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { utf8 } from '../../git/bytes.js';
import { reachableObjects } from './copy.js';
import { storedPack } from './stored-pack.js';

/** Objects that are read at a time. */
const TOGETHER = 64;

/**
 * A bundle (gitformat-bundle) of refs and all that they reach, in pieces, as `git clone` takes it. The refs are those of the moment at
 * which the first piece is asked for. Throws `NOT_FOUND` where there are none, since git takes no empty bundle.
 */
export async function* bundleOf(
  store: Pick<GitStore, 'read' | 'refs' | 'head' | 'objectFormat'>,
  hasher: Hasher,
  patterns: readonly string[] = ['refs/heads/', 'refs/tags/'],
): AsyncGenerator<Uint8Array> {
  const refs = new Map(await store.refs(patterns));
  if (refs.size === 0)
    throw new KvError('NOT_FOUND', 'there is no branch and no tag to bundle', { hint: 'commit something first' });
  const head = await store.head?.();
  const tip = head === undefined ? undefined : head.startsWith('refs/') ? refs.get(head) : head;
  if (tip !== undefined) refs.set('HEAD', tip);
  const oids: Oid[] = [];
  // Ids alone are held: the objects are read again while they are written.
  for await (const { oid } of reachableObjects(store, new Set(refs.values()))) oids.push(oid);
  const { objectFormat } = store;
  const version = objectFormat === 'sha1' ? '# v2 git bundle\n' : '# v3 git bundle\n@object-format=sha256\n';
  const lines = [...refs].map(([ref, oid]) => `${oid} ${ref}\n`);
  yield utf8(`${version}${lines.join('')}\n`);
  yield* storedPack(objectFormat, oids.length, objectsOf(store, oids), hasher.stream(objectFormat));
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
