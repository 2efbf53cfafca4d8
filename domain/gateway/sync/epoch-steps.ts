import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { archiveRef, chunksRef, indexRef, ledgerRef } from '../../ledger/refs.js';
import { type Link, readChain } from '../../verify/attestation/chain.js';
import { throwFault } from '../../verify/fault.js';

/** The first commits of an epoch, one a chain; of chunks, null when it began without any. */
export interface EpochBeginning {
  readonly ledger: Oid;
  readonly index: Oid;
  readonly chunks: Oid | null;
  /** The epoch before it, and the archive that keeps that; null: the namespace begins here. */
  readonly before: { readonly label: string; readonly archive: Oid } | null;
}

/** What lies in one epoch between where the Stargate stands and where the mirror does. */
export interface EpochStep {
  readonly label: string;
  /** The tips at which the mirror has this epoch. */
  readonly ledger: Oid;
  readonly index: Oid;
  readonly chunks: Oid | null;
  /** Null: it is the epoch that the Stargate is in. */
  readonly begins: EpochBeginning | null;
}

/**
 * Goes back from the mirror's tips to a ledger commit that the Stargate has (null: to where the namespace begins), epoch by epoch
 * through the archives; gives the steps, oldest first. Null when the mirror's ledger never comes there. What the mirror's commits say
 * of themselves is believed here, and has to be verified. Throws what reading a chain throws, and `ATTESTATION_MISMATCH` when an
 * archive that the way leads through isn't at the mirror.
 */
export async function stepsFrom(
  store: GitStore,
  ns: string,
  here: Oid | null,
  there: ReadonlyMap<RefName, Oid>,
): Promise<EpochStep[] | null> {
  const steps: EpochStep[] = [];
  let ledger = there.get(ledgerRef(ns));
  let index = there.get(indexRef(ns));
  while (ledger !== undefined && index !== undefined) {
    const { epoch: label, parentEpoch } = await trailersAt(store, ledgerRef(ns), ledger);
    const chunks = there.get(chunksRef(ns, label)) ?? null;
    if (here !== null && (await store.isAncestor(here, ledger))) {
      steps.push({ label, ledger, index, chunks, begins: null });
      return steps.reverse();
    }
    const archive = parentEpoch === null ? undefined : there.get(archiveRef(ns, parentEpoch));
    if (parentEpoch !== null && archive === undefined) {
      throw new KvError(
        'ATTESTATION_MISMATCH',
        `the mirror has epoch ${label} of ${ns} but not the archive of ${parentEpoch}, so that nothing shows what it goes on from`,
      );
    }
    const before = parentEpoch === null || archive === undefined ? null : { label: parentEpoch, archive };
    const roots = await Promise.all([
      rootOf(store, ledgerRef(ns), ledger),
      rootOf(store, indexRef(ns), index),
      chunks === null ? null : rootOf(store, chunksRef(ns, label), chunks),
    ]);
    const begun = (await trailersAt(store, ledgerRef(ns), roots[0])).chunksTree !== null;
    steps.push({
      ...{ label, ledger, index, chunks },
      begins: { ledger: roots[0], index: roots[1], chunks: begun ? roots[2] : null, before },
    });
    if (before === null) return here === null ? steps.reverse() : null;
    [ledger, index] = (await commitAt(store, archiveRef(ns, before.label), before.archive)).commit.parents;
  }
  return null;
}

async function rootOf(store: GitStore, ref: RefName, tip: Oid): Promise<Oid> {
  const links = await readChain(store, throwFault, { ref, old: null, next: tip, limit: Number.POSITIVE_INFINITY });
  return links[0]?.oid ?? tip;
}

async function commitAt(store: GitStore, ref: RefName, oid: Oid): Promise<Link> {
  const [object] = await store.read([oid]);
  if (object?.type === 'commit') return { oid, commit: decodeCommit(object.body, oid, store.objectFormat) };
  throw new KvError('ATTESTATION_MISMATCH', `${ref} of the mirror leads to ${oid}, which is no commit`);
}

async function trailersAt(store: GitStore, ref: RefName, oid: Oid): Promise<ReturnType<typeof parseLedgerMessage>> {
  return parseLedgerMessage((await commitAt(store, ref, oid)).commit.message, oid);
}
