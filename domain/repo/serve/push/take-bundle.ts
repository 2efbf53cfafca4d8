import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { ObjectNamer } from '../../../git/object.js';
import { readPack } from '../../../git/pack/read-pack.js';
import { readBundleHeader } from '../../../git/wire/bundle-header.js';
import type { RefVerdict } from '../../../git/wire/push-report.js';
import type { Repository } from '../../facade.js';
import { HEADS, TAGS } from '../../refs/names.js';
import { checkPushed } from './check-push.js';
import { HeldBytes } from './held-bytes.js';
import type { ServeParts } from '../parts.js';

/** What taking a bundle in takes. */
export interface BundleParts extends ServeParts {
  readonly repository: Pick<Repository, 'take' | 'facts' | 'checkout'>;
  readonly maxObjects: number;
  /** Refs that are elsewhere are moved all the same. */
  readonly force: boolean;
}

/**
 * Takes all branches and tags of a bundle, or none. An empty repository has the bundle's current branch afterwards. Throws `INPUT_INVALID`
 * for what is no bundle or builds on what isn't here, `CAS_CONFLICT` with the refs among the details where one would not just go forward,
 * `STORAGE_FULL`.
 */
export async function takeBundle(parts: BundleParts, bytes: AsyncIterable<Uint8Array>): Promise<readonly RefVerdict[]> {
  const held = new HeldBytes(parts.store);
  try {
    let failure: { readonly error: unknown } | null = null;
    for await (const piece of bytes) {
      if (failure !== null) continue; // a client that is answered before it has sent all sees a broken connection
      try {
        held.append(piece);
      } catch (error) {
        failure = { error };
        held.release();
      }
    }
    if (failure !== null) throw failure.error;
    return await taken(parts, held);
  } finally {
    held.release();
  }
}

async function taken(parts: BundleParts, held: HeldBytes): Promise<readonly RefVerdict[]> {
  const { store, hasher, zlib, repository, force, maxObjects } = parts;
  const turn = (): Promise<void> => zlib.turn();
  const { refs, needs, packAt } = readBundleHeader(held.bytes, store.objectFormat);
  for (const [i, object] of (await store.read(needs)).entries())
    if (object === null) throw new KvError('INPUT_INVALID', `the bundle builds on ${needs[i]}, which is not here`);
  const namer = new ObjectNamer(hasher, store.objectFormat);
  const objects = new Map<Oid, NewObject>();
  const read = (oids: readonly Oid[]) => store.read(oids);
  const reading = { namer, zlib, read, hold: (size: number) => held.hold(size), maxObjects };
  for (const object of await readPack(held.bytes.subarray(packAt), reading)) objects.set(object.oid, object);
  held.drop();
  await checkPushed(objects, store.objectFormat === 'sha1' ? 20 : 32, turn);
  const named = [...refs].filter(([ref]) => ref.startsWith(HEADS) || ref.startsWith(TAGS));
  if (named.length === 0) throw new KvError('INPUT_INVALID', 'the bundle has no branch and no tag');
  const before = await store.refs([HEADS, TAGS]);
  const updates = named.map(([ref, next]) => ({ ref, old: before.get(ref) ?? null, next }));
  const release = (): void => held.release();
  const push = { objects, updates, atomic: true, reason: 'import', onlyForward: !force, release, turn };
  const verdicts = await repository.take(push);
  const refused = verdicts.filter((verdict) => verdict.refused !== null);
  if (refused.length > 0)
    throw new KvError('CAS_CONFLICT', 'the bundle has refs that are elsewhere here', {
      hint: 'import it into an empty repository, or by force',
      details: { refs: refused.map(({ ref, refused: why }) => ({ ref, why })) },
    });
  const tip = refs.get('HEAD');
  const branch =
    named.find(([ref, oid]) => ref.startsWith(HEADS) && oid === tip)?.[0] ?? named.find(([ref]) => ref.startsWith(HEADS))?.[0];
  if ((await repository.facts()).tip === null && branch !== undefined) await repository.checkout(branch.slice(HEADS.length));
  return verdicts;
}
