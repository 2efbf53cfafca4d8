import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { ledgerRef, trackingRef } from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';
import { newestTip, readLedgerCommits, type Tip } from '../clone/tips.js';

/**
 * After a lost race, and a fetch from the Stargate: throws unless the Stargate has what this clone built on. What came from the mirror,
 * or was landed by this clone, had been accepted before the Stargate is asked, so a sound one has it: building again would lose again.
 * Throws `BEHIND_MIRROR` when the tip goes on from the Stargate's, `SYNC_REFUSED` when the two have gone apart. What the Stargate itself
 * has shown can only have been overtaken, which costs no look.
 */
export async function requireCaughtUp(clone: Clone, tip: Tip): Promise<void> {
  if (tip.from === 'stargate') return;
  const { ns } = tip;
  const [ref, tracked] = [ledgerRef(ns), trackingRef('stargate', ledgerRef(ns))];
  if ((await clone.store.refs([tracked])).get(tracked) === tip.ledger) return;
  if ((await newestTip(clone, ns))?.ledger !== tip.ledger) return; // overtaken, as in any race
  // Another command of this clone may have fetched an older state over a newer one: the Stargate itself has the last word.
  const here = (await clone.remotes.listRefs(clone.remoteName, 'write', [ref])).get(ref) ?? null;
  if (here === tip.ledger || (here !== null && (await isNews(clone, here, tip)))) return;
  const seen = tip.from === 'mirror' ? 'the mirror shows' : 'this clone has';
  if (here === null || (await goesOn(clone, here, tip))) {
    throw new KvError(
      'BEHIND_MIRROR',
      `namespace ${ns}: ${seen} ledger commit ${tip.ledger}, and the Stargate has only ${here ?? 'nothing'} of it`,
      {
        hint: 'the Stargate was put back to an older state: an admin has it take over what the mirror has',
        advice: { id: 'adopt-mirror', ns },
        details: { ns, here, there: tip.ledger },
      },
    );
  }
  throw new KvError(
    'SYNC_REFUSED',
    `namespace ${ns}: ${seen} ledger commit ${tip.ledger}, and the Stargate is at ${here}, which is on another branch of history`,
    {
      hint: 'Stargate and mirror have gone apart: an admin compares them and lets one give way',
      advice: { id: 'overwrite-mirror' },
      details: { ns, here, there: tip.ledger },
    },
  );
}

/** Whether the Stargate stands at what this clone has yet to learn, or goes on from what it built on. */
async function isNews({ store }: Clone, here: Oid, tip: Tip): Promise<boolean> {
  const [known] = await store.headers([here]);
  return known === null || known === undefined || (await store.isAncestor(tip.ledger, here));
}

/** Whether a tip follows from where the Stargate is: in its epoch, or in a later one, which follows from no commit. */
async function goesOn(clone: Clone, here: Oid, tip: Tip): Promise<boolean> {
  if (await clone.store.isAncestor(here, tip.ledger)) return true;
  const [theirs] = await readLedgerCommits(clone, [here]);
  return theirs !== undefined && theirs.trailers.epoch !== tip.trailers.epoch;
}
