import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { decodeMirrorRefusals, MIRROR_REFUSES_PATH, type MirrorRefusal } from '../../ledger/mirror-refusals.js';
import { POLICY_REF, trackingRef } from '../../ledger/refs.js';
import type { Clone } from './clone.js';

/** The published policy as the mirror was last seen to show it. */
export const MIRROR_POLICY_REF = trackingRef('mirror', POLICY_REF);

/** Whether the mirror refuses a namespace, as a commit of the published policy says; null when it says nothing of it. */
export async function refusalIn({ store }: Clone, published: Oid, ns: string): Promise<MirrorRefusal | null> {
  const [blob] = await store.readPaths(published, [MIRROR_REFUSES_PATH]);
  return blob ? (decodeMirrorRefusals(blob.body).get(ns) ?? null) : null;
}

/** Has the clone's user told that what the mirror shows of a namespace may be old, where the policy last fetched from there says so. */
export async function tellRefusal(clone: Clone, ns: string, published?: Oid): Promise<void> {
  if (clone.onMirrorRefusal === undefined) return;
  const commit = published ?? (await clone.store.refs([MIRROR_POLICY_REF])).get(MIRROR_POLICY_REF);
  const refusal = commit === undefined ? null : await refusalIn(clone, commit, ns).catch(unlessOutOfReach);
  if (refusal !== null) clone.onMirrorRefusal(ns, refusal);
}

/** A partial clone may be kept from fetching the notice: the read goes on without it. */
function unlessOutOfReach(error: unknown): null {
  if (KvError.is(error) && error.code === 'IO_ERROR') return null;
  throw error;
}
