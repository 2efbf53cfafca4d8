import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid, RefUpdate } from '../../../ports/vocabulary.js';
import { renderChunksMessage, renderIndexMessage, renderLedgerMessage } from '../../ledger/transaction/attestation.js';
import { encodeCommit, stamp } from '../../git/commit.js';
import { archiveCommit, checkFreshLabel, liveChunks, liveIndex } from '../../ledger/epoch.js';
import { isEpochLabel } from '../../../ports/grammar/namespace.js';
import { archiveRef, chunksRef, epochRef, indexRef, ledgerRef, refsOfLabel, trackingRef } from '../../ledger/refs.js';
import { commitOn } from '../../ledger/transaction/transaction.js';
import { newUlid } from '../../ledger/ulid.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import { fetchChunks } from '../clone/chunks-tip.js';
import { type Clone, namerOf, type WritingPorts } from '../clone/clone.js';
import { land, type Target, whereTo } from '../write/linear/land.js';
import { MAX_ATTEMPTS, pauseAfterRace } from '../write/linear/line/race-pause.js';
import { repositoryFor } from '../clone/repository.js';
import { knownPolicy, knownPublished } from '../clone/policy/known-policy.js';
import { inItsMode, wrongMode } from '../sequence/mode.js';
import { signCommit } from '../write/linear/sign.js';
import { type HeldTurn, takeTurn } from '../write/linear/line/turn.js';
import { checkAdmin } from './admin-signs.js';
import { orderEpoch } from './order-epoch.js';
import type { Rollover } from './rollover.js';
import { fetchNamespace, wholeTip } from '../remote/fetch-namespace.js';
import { newestTip, noIndex, type Tip } from '../clone/tips.js';

/**
 * Begins a new epoch: ledger and index start again from commits without parents, with the same data; the old tips are kept in an archive
 * ref. Throws `USAGE` for an illegal label, `CAS_CONFLICT` when the label is taken or another epoch began meanwhile, `SIGNER_UNKNOWN` when
 * the signer is no admin.
 */
export async function newEpoch(clone: Clone, ns: string, label: string): Promise<Rollover> {
  if (!isEpochLabel(label)) {
    throw new KvError('USAGE', `${JSON.stringify(label)} is no epoch label`, {
      hint: 'a label is 1 to 63 letters, digits, dots, dashes and underscores, such as 2026Q4',
    });
  }
  const target = await whereTo(clone);
  const ports = await clone.forWriting();
  const linear = (): Promise<Rollover> => pushEpoch(clone, ports, { ns, label, target });
  if (target === 'clone') return linear();
  return inItsMode(clone, ns, { linear, sequenced: () => orderEpoch(clone, ports, ns, label) });
}

interface NewEpoch {
  readonly ns: string;
  readonly label: string;
  readonly target: Target;
}

/** Begins it as one atomic push. Reads the Stargate's tip first, and again when a write was faster. */
async function pushEpoch(clone: Clone, ports: WritingPorts, { ns, label, target }: NewEpoch): Promise<Rollover> {
  const tipNow = async (): Promise<WholeTip> => {
    if (target === 'stargate') await fetchNamespace(clone, ns, 'stargate');
    const newest = target === 'stargate' ? await wholeTip(clone, ns, 'stargate') : await newestTip(clone, ns);
    if (newest === null) throw await absentNamespace(clone, ns);
    if (newest.index === null) throw noIndex(newest.ledger);
    return { ...newest, index: newest.index };
  };
  let tip = await tipNow();
  if (target === 'stargate') {
    // The policy came with the tip.
    if ((await knownPolicy(clone))?.namespaces.get(ns)?.ledgerMode === 'sequenced') throw wrongMode(ns, 'sequenced');
    await checkAdmin(clone, ports.signer);
  }
  await checkUnused(clone, tip, label, target);
  let turn: HeldTurn | null = null;
  try {
    for (let attempt = 1; ; attempt++) {
      const began = clone.clock.now();
      if (target === 'stargate') await fetchChunks(clone, ns, tip.trailers.epoch, 'stargate');
      const roots = await makeRoots(clone, ports, tip, label, target);
      try {
        await land(clone, ns, await moves(clone, tip, label, roots, target), target, { turn: turn?.token });
        const [commit, parentEpoch, parentLedger] = [roots.ledger.oid, tip.trailers.epoch, tip.ledger];
        return { ns, epoch: label, parentEpoch, commit, parentLedger, txn: roots.txn, landed: target };
      } catch (error) {
        if (!KvError.is(error) || error.code !== 'CAS_CONFLICT' || attempt === MAX_ATTEMPTS) throw error;
        const took = clone.clock.now() - began;
        turn?.release();
        turn = target === 'stargate' ? await takeTurn(clone, ports, ns) : null;
        if (turn === null) await pauseAfterRace(clone, ports, attempt - 1, took);
        const newer = await tipNow();
        // Two that begin an epoch at the same time want one epoch, not two.
        if (newer.trailers.epoch !== tip.trailers.epoch) throw error;
        tip = newer;
      }
    }
  } finally {
    turn?.release();
  }
}

type WholeTip = Tip & { readonly index: Oid };

/** The first commits of the new epoch and the archive of the old one, written. */
async function makeRoots(clone: Clone, ports: WritingPorts, tip: WholeTip, label: string, target: Target): Promise<Roots> {
  const { store, clock, config } = clone;
  const { ns } = tip;
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
  const repository = repositoryFor(await knownPublished(clone), tip);
  if (repository instanceof KvError) throw repository;
  const message = renderLedgerMessage(`kv: ${ns}: begin epoch ${label}`, {
    ...{ ns, txn, indexTree, chunksTree, keysSet: 0, keysDel: 0 },
    baseTree: tip.commit.tree,
    epoch: label,
    parentEpoch: tip.trailers.epoch,
    parentLedger: tip.ledger,
    repository,
    intent: null,
  });
  const first = commitOn({ identity, now }, null, tip.commit.tree, message);
  const { object: ledger } = await signCommit(clone, ports, first, target === 'clone');
  await store.write([...objects, archive, ledger]);
  return { ledger, index, chunks, archive, txn };
}

/** A label is used once: the Stargate would refuse it, but with the words for a lost race. */
async function checkUnused(clone: Clone, tip: Tip, label: string, target: Target): Promise<void> {
  const { ns, trailers } = tip;
  const names = refsOfLabel(ns, label);
  const taken =
    target === 'stargate' ? await clone.remotes.listRefs(clone.remoteName, 'write', names) : await clone.store.refs(names);
  checkFreshLabel(ns, label, label === trailers.epoch || label === trailers.parentEpoch || taken.size > 0);
}

interface Roots {
  readonly ledger: NewObject;
  readonly index: NewObject;
  readonly chunks: NewObject | null;
  readonly archive: NewObject;
  readonly txn: string;
}

async function moves(clone: Clone, tip: Tip, label: string, roots: Roots, target: Target): Promise<RefUpdate[]> {
  const { ns } = tip;
  const began = await firstCommit(clone, tip, target);
  const updates: RefUpdate[] = [
    { ref: ledgerRef(ns), old: tip.ledger, next: roots.ledger.oid },
    { ref: indexRef(ns), old: tip.index, next: roots.index.oid },
    { ref: epochRef(ns), old: began, next: roots.ledger.oid },
    { ref: archiveRef(ns, tip.trailers.epoch), old: null, next: roots.archive.oid },
  ];
  if (roots.chunks !== null) updates.push({ ref: chunksRef(ns, label), old: null, next: roots.chunks.oid });
  return updates;
}

/** The first commit of the epoch that a tip is in: as the Stargate says, since a shallow clone doesn't know. */
async function firstCommit(clone: Clone, { ns, ledger }: Tip, target: Target): Promise<Oid> {
  const published = trackingRef('stargate', epochRef(ns));
  const said = target === 'stargate' ? (await clone.store.refs([published])).get(published) : undefined;
  if (said !== undefined) return said;
  let first = ledger;
  for await (const oid of clone.store.history({ tip: ledger })) first = oid;
  return first;
}
