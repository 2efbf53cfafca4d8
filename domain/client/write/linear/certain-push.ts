import { KvError } from '../../../../ports/error.js';
import type { PushOptions } from '../../../../ports/git/git-remote.js';
import { during, NO_SPAN } from '../../../../ports/tracing.js';
import type { RefUpdate } from '../../../../ports/vocabulary.js';
import { ledgerRef, trackingRef } from '../../../ledger/refs.js';
import type { Clone } from '../../clone/clone.js';
import { fetchNamespace } from '../../remote/fetch-namespace.js';
import { readLedgerCommits } from '../../clone/tips.js';
import { atTheLeader } from '../../sequence/follow-leader.js';
import { ASKED_AGAIN_MS, inDoubt, maySoonAnswer, pauses } from '../../sequence/in-doubt.js';

/**
 * Pushes, and says for certain whether the refs have moved: when the connection breaks after the push was sent, the same push is sent
 * again until the Stargate answers. It can't land twice, since a commit follows on one parent only. Throws as `GitRemote.push` does, and
 * `IO_ERROR` that names the transaction when nobody could be asked.
 */
export async function pushForCertain(
  clone: Clone,
  ns: string,
  updates: readonly RefUpdate[],
  options: PushOptions,
): Promise<void> {
  await during((clone.span ?? NO_SPAN).child('git-kv.push', { facts: { ns: [ns] } }), async (span) => {
    const traced = { ...options, trace: span.context };
    try {
      await atTheLeader(clone, () => clone.remotes.push(clone.remoteName, updates, traced));
    } catch (error) {
      if (!KvError.is(error) || error.details?.['sent'] !== 'all') throw error;
      await findOut(clone, ns, updates, traced, error);
    }
  });
}

async function findOut(
  clone: Clone,
  ns: string,
  updates: readonly RefUpdate[],
  options: PushOptions,
  broken: KvError,
): Promise<void> {
  const until = clone.clock.now() + ASKED_AGAIN_MS;
  for (const pause of pauses()) {
    await clone.clock.sleep(pause);
    try {
      await atTheLeader(clone, () =>
        clone.remotes.push(clone.remoteName, updates, { ...options, turn: undefined, impatient: false }),
      );
      return;
    } catch (error) {
      if (!KvError.is(error)) throw error;
      if (await hasLanded(clone, ns, updates)) return;
      if (!maySoonAnswer(error)) throw error; // it answers, and has not got it: this is why
      if (clone.clock.now() >= until) throw await pushInDoubt(clone, ns, updates, broken);
    }
  }
}

/** Whether the Stargate's ledger has the commit, at its tip or below it; false where it can't be asked. */
async function hasLanded(clone: Clone, ns: string, updates: readonly RefUpdate[]): Promise<boolean> {
  const commit = updates.find(({ ref }) => ref === ledgerRef(ns))?.next ?? null;
  if (commit === null) return false;
  try {
    await fetchNamespace(clone, ns, 'stargate');
  } catch (error) {
    if (KvError.is(error)) return false;
    throw error;
  }
  const tracked = trackingRef('stargate', ledgerRef(ns));
  const tip = (await clone.store.refs([tracked])).get(tracked);
  return tip !== undefined && (tip === commit || (await clone.store.isAncestor(commit, tip)));
}

/** The same error, which says that nobody knows whether a push has landed, and by which names to look for it. */
export async function pushInDoubt(clone: Clone, ns: string, updates: readonly RefUpdate[], broken: KvError): Promise<KvError> {
  const commit = updates.find(({ ref }) => ref === ledgerRef(ns))?.next ?? null;
  const [read] = commit === null ? [] : await readLedgerCommits(clone, [commit]);
  return inDoubt(broken, { ns, txn: read?.trailers.txn ?? null, commit, kind: 'commit' });
}
