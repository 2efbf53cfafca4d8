import { KvError } from '../../ports/error.js';
import type { NewObject } from '../../ports/git-store.js';
import type { Oid, RefUpdate } from '../../ports/vocabulary.js';
import { renderChunksMessage, renderIndexMessage, renderLedgerMessage } from '../attestation.js';
import { encodeCommit, stamp } from '../commit.js';
import { archiveCommit, checkFreshLabel, liveChunks, liveIndex } from '../epoch.js';
import { isEpochLabel } from '../ledger.js';
import { archiveRef, chunksRef, epochRef, indexRef, ledgerRef, refsOfLabel } from '../refs.js';
import { commitOn } from '../transaction.js';
import { newUlid } from '../ulid.js';
import { fetchChunks } from './chunks-tip.js';
import { type Clone, namerOf } from './clone.js';
import { land, type Target, whereTo } from './land.js';
import { signCommit } from './sign.js';
import { fetchNamespace, newestTip, noNamespace, type Tip } from './tips.js';

export interface Rollover {
  readonly ns: string;
  readonly epoch: string;
  readonly parentEpoch: string;
  /** The new epoch's first ledger commit. */
  readonly commit: Oid;
  readonly parentLedger: Oid;
  readonly txn: string;
  readonly landed: Target;
}

/**
 * Begins a new epoch as one atomic push: ledger and index start again from commits without parents, with the same data;
 * the old tips are kept in an archive ref. Reads the Stargate's tip first. Throws `USAGE` for an illegal label, `CAS_CONFLICT`
 * when the namespace moved meanwhile or the label is taken, `SIGNER_UNKNOWN` when the signer is no admin.
 */
export async function newEpoch(clone: Clone, ns: string, label: string): Promise<Rollover> {
  if (!isEpochLabel(label)) {
    throw new KvError('USAGE', `${JSON.stringify(label)} is no epoch label`, {
      hint: 'a label is 1 to 63 letters, digits, dots, dashes and underscores, such as 2026Q4',
    });
  }
  const target = await whereTo(clone);
  if (target === 'stargate') await fetchNamespace(clone, ns, 'stargate');
  const tip = await newestTip(clone, ns);
  if (tip === null || tip.index === null) throw noNamespace(ns);
  await checkUnused(clone, tip, label, target);
  if (target === 'stargate') await fetchChunks(clone, ns, tip.trailers.epoch, 'stargate');
  const ports = await clone.forWriting();
  const { store, clock, config } = clone;
  const namer = namerOf(clone, ports.hasher);
  const objects: NewObject[] = [];
  const [now, identity, txn] = [clock.now(), await config.identity(), newUlid(clock, ports.randomness)];
  const indexTree = await liveIndex(store, namer, ns, tip.trailers.indexTree, objects);
  const chunksTree = await liveChunks(store, namer, ns, tip.commit.tree, objects);
  const add = (tree: Oid, message: string): NewObject => {
    const object = namer.object('commit', encodeCommit(commitOn({ identity, now }, null, tree, message), namer.format));
    objects.push(object);
    return object;
  };
  const index = add(indexTree, renderIndexMessage({ ns, txn, ledgerTree: tip.commit.tree }));
  const chunks = chunksTree === null ? null : add(chunksTree, renderChunksMessage({ ns, txn }));
  const old = { ns, label: tip.trailers.epoch, ledger: tip.ledger, tree: tip.commit.tree, index: tip.index };
  const archive = archiveCommit(namer, old, stamp(identity, now));
  const message = renderLedgerMessage(`kv: ${ns}: begin epoch ${label}`, {
    ...{ ns, txn, indexTree, chunksTree, keysSet: 0, keysDel: 0 },
    baseTree: tip.commit.tree,
    epoch: label,
    parentEpoch: tip.trailers.epoch,
    parentLedger: tip.ledger,
  });
  const { object: ledger } = await signCommit(
    clone,
    ports,
    commitOn({ identity, now }, null, tip.commit.tree, message),
    target === 'clone',
  );
  await store.write([...objects, archive, ledger]);
  await land(clone, ns, await moves(clone, tip, label, { ledger, index, chunks, archive }), target);
  return { ns, epoch: label, parentEpoch: tip.trailers.epoch, commit: ledger.oid, parentLedger: tip.ledger, txn, landed: target };
}

/** A label is used once: the Stargate would refuse it, but with the words for a lost race. */
async function checkUnused(clone: Clone, tip: Tip, label: string, target: Target): Promise<void> {
  const { ns, trailers } = tip;
  const names = refsOfLabel(ns, label);
  const taken =
    target === 'stargate' ? await clone.transport.listRefs(clone.remote, 'write', names) : await clone.store.refs(names);
  checkFreshLabel(ns, label, label === trailers.epoch || label === trailers.parentEpoch || taken.size > 0);
}

interface Roots {
  readonly ledger: NewObject;
  readonly index: NewObject;
  readonly chunks: NewObject | null;
  readonly archive: NewObject;
}

async function moves(clone: Clone, tip: Tip, label: string, roots: Roots): Promise<RefUpdate[]> {
  const { ns } = tip;
  const began = await firstCommit(clone, tip.ledger);
  const updates: RefUpdate[] = [
    { ref: ledgerRef(ns), old: tip.ledger, next: roots.ledger.oid },
    { ref: indexRef(ns), old: tip.index, next: roots.index.oid },
    { ref: epochRef(ns), old: began, next: roots.ledger.oid },
    { ref: archiveRef(ns, tip.trailers.epoch), old: null, next: roots.archive.oid },
  ];
  if (roots.chunks !== null) updates.push({ ref: chunksRef(ns, label), old: null, next: roots.chunks.oid });
  return updates;
}

/** The first commit of the epoch that a ledger commit is in. */
async function firstCommit(clone: Clone, tip: Oid): Promise<Oid> {
  let first = tip;
  for await (const oid of clone.store.history({ tip })) first = oid;
  return first;
}
