import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { archiveRef, classifyRef, compactedRef } from '../../ledger/refs.js';
import type { RepositoryGateway } from '../gateway.js';
import { traceEpoch } from './archived-epochs.js';

interface TraceSources {
  readonly bundles: BundleArchive;
  readonly store: GitStore;
  readonly gateway: Pick<RepositoryGateway, 'moveOwn'>;
  /** Told of a bundle that can't be read: it is left alone, and its label could be used again. */
  readonly unreadable: (place: string, error: KvError) => void;
}

/**
 * Makes up for compactions by versions that left no trace of an epoch's label but its bundle. Gives the refs that it made.
 */
export async function traceBundles({ bundles, store, gateway, unreadable }: TraceSources): Promise<RefName[]> {
  const kept = await bundles.list();
  if (kept.length === 0) return [];
  const known = await store.refs(['refs/kv-archive/', 'refs/kv-compacted/']);
  const made: RefName[] = [];
  for (const { name, place, written } of kept) {
    const found = classifyRef(`refs/kv-archive/${name}`);
    if (found.kind !== 'archive' || found.epoch === null) continue;
    const { ns, epoch } = found;
    const [archive, trace] = [archiveRef(ns, epoch), compactedRef(ns, epoch)];
    if (known.has(archive) || known.has(trace)) continue;
    const oid = await holds(bundles, name, archive).catch((error: unknown) => {
      unreadable(place, toKvError(error));
      return null;
    });
    if (oid === null) continue;
    const compacted = formatTime(written);
    await gateway.moveOwn((context) => traceEpoch(context, { v: 1, ns, epoch, archive: oid, compacted }));
    made.push(trace);
  }
  return made;
}

/** What a bundle holds as this ref. */
async function holds(bundles: BundleArchive, name: string, ref: RefName): Promise<Oid> {
  const oid = (await bundles.refs(name)).get(ref);
  if (oid === undefined) throw new KvError('GIT_ERROR', `it does not hold ${ref}`);
  return oid;
}
