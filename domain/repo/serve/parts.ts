import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import type { Zlib } from '../../git/pack/zlib.js';
import type { Listing } from '../../git/wire/ref-listing.js';
import { ObjectSource } from '../objects/source.js';
import type { KeptPacks } from './kept-packs.js';
import { childrenOf } from '../objects/children.js';

/** What serving a repository to git takes. */
export interface ServeParts {
  readonly store: GitStore;
  readonly hasher: Hasher;
  readonly zlib: Zlib;
  /** What the server calls itself, such as `git-kv-api/1.0`. */
  readonly agent: string;
  /** Where packs of whole clones are kept; absent: nowhere. */
  readonly packs?: KeptPacks;
}

/** Objects of a store, with none before them. */
export const sourceOf = ({ store }: Pick<ServeParts, 'store'>): ObjectSource =>
  new ObjectSource(store, store.objectFormat, null, null, store.atHand);

/** All refs, as a client is to be told of them. */
export async function listingOf({ store }: Pick<ServeParts, 'store'>): Promise<Listing> {
  const refs = await store.refs(['refs/']);
  const source = sourceOf({ store });
  const peeled = new Map<RefName, Oid>();
  const names = [...refs.keys()].filter((ref) => ref.startsWith('refs/tags/'));
  const tags = await store.read(names.map((ref) => refs.get(ref) ?? ''));
  for (const [i, object] of tags.entries()) {
    if (object?.type !== 'tag') continue;
    const leads = await leadsTo(source, object.oid);
    if (leads !== null) peeled.set(names[i] as RefName, leads);
  }
  return { format: store.objectFormat, refs, peeled, head: (await store.head?.()) ?? 'refs/heads/main' };
}

/** The object that a chain of tags ends in; null where one is missing, or the chain is no chain that anybody makes. */
async function leadsTo(source: ObjectSource, tag: Oid): Promise<Oid | null> {
  let object = await source.get(tag);
  for (let depth = 0; object?.type === 'tag' && depth < 10; depth++)
    object = await source.get(childrenOf(object, source.oidBytes)[0] ?? '');
  return object === null || object.type === 'tag' ? null : object.oid;
}
