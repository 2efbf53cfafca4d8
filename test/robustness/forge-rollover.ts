import { renderChunksMessage, renderIndexMessage, renderLedgerMessage } from '../../domain/ledger/transaction/attestation.js';
import { type Commit, decodeCommit, encodeCommit, stamp } from '../../domain/git/commit.js';
import { archiveCommit, liveChunks, liveIndex } from '../../domain/ledger/epoch.js';
import type { Base } from '../../domain/ledger/transaction/transaction.js';
import { commitOn } from '../../domain/ledger/transaction/transaction.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import type { Ran } from '../support/programs/processes.js';
import type { Forger } from './forger.js';
import { chunkedBase } from './forge-chunks.js';

const TXN = '01KDYF0000ABCDEFGHJKMNPQRS';

/** What a forger changes of the beginning of an epoch. Trees that are given are bound by the trailers. */
export interface RolloverForgery {
  label: string;
  /** In the names of the refs, where that differs from the trailers. */
  refLabel: string;
  /** Of the archive ref. */
  oldLabel: string;
  ledgerTree: Oid;
  indexTree: Oid;
  chunksTree: Oid | null;
  ledger: (commit: Commit) => Commit;
  index: (commit: Commit) => Commit;
  chunks: (commit: Commit) => Commit;
  archive: (commit: Commit) => Commit;
  signer: string | null;
  person: string;
  repository: string | null;
  /** Refs not to push, by their kind (`kv-archive`). */
  without: string;
}

export interface ForgedRollover {
  readonly specs: readonly string[];
  readonly base: Base;
}

/** Builds the beginning of an epoch by the product's own code, and then wrong. */
export async function forgeRollover(forge: Forger, change: Partial<RolloverForgery> = {}): Promise<ForgedRollover> {
  const base = await chunkedBase(forge);
  const { namer, store } = forge;
  const [ledgerTip, indexTip] = [base.ledger as NonNullable<Base['ledger']>, base.index as NonNullable<Base['index']>];
  const objects: NewObject[] = [];
  const identity = { identity: `${forge.person} <${forge.person}@example.org>`, now: Date.now() };
  const label = change.label ?? 'forged';
  const ledgerTree = change.ledgerTree ?? ledgerTip.tree;
  const indexTree = change.indexTree ?? (await liveIndex(store, namer, 'main', indexTip.tree, objects));
  const chunksTree =
    change.chunksTree === undefined ? await liveChunks(store, namer, 'main', ledgerTip.tree, objects) : change.chunksTree;
  const root = (tree: Oid, message: string, edit: (commit: Commit) => Commit = (commit) => commit): NewObject => {
    const object = forge.commit(edit(commitOn(identity, null, tree, message)));
    objects.push(object);
    return object;
  };
  const index = root(indexTree, renderIndexMessage({ ns: 'main', txn: TXN, ledgerTree }), change.index);
  const chunks = chunksTree === null ? null : root(chunksTree, renderChunksMessage({ ns: 'main', txn: TXN }), change.chunks);
  const old = { ns: 'main', label: base.epoch, ledger: ledgerTip.commit, tree: ledgerTip.tree, index: indexTip.commit };
  const honest = archiveCommit(namer, old, stamp(identity.identity, identity.now));
  const archive =
    change.archive === undefined
      ? honest
      : forge.commit(change.archive(decodeCommit(honest.body, honest.oid, store.objectFormat)));
  const message = renderLedgerMessage(`kv: main: begin epoch ${label}`, {
    ...{ ns: 'main', txn: TXN, indexTree, chunksTree, keysSet: 0, keysDel: 0, epoch: label },
    baseTree: ledgerTip.tree,
    parentEpoch: base.epoch,
    parentLedger: ledgerTip.commit,
    repository: change.repository === undefined ? await forge.repositoryId() : change.repository,
    intent: null,
  });
  const edit = change.ledger ?? ((commit: Commit) => commit);
  const unsigned = edit(commitOn(identity, null, ledgerTree, message));
  const signer = change.signer === undefined ? forge.person : change.signer;
  const signature = signer === null ? null : await forge.sign(encodeCommit(unsigned, store.objectFormat), signer);
  const ledger = forge.commit({ ...unsigned, signature });
  await store.write([...objects, archive, ledger]);
  const refLabel = change.refLabel ?? label;
  const specs = [
    `+${ledger.oid}:refs/kv/main`,
    `+${index.oid}:refs/kv-index/main`,
    `+${ledger.oid}:refs/kv-epoch/main`,
    `${archive.oid}:refs/kv-archive/main@${change.oldLabel ?? base.epoch}`,
    ...(chunks === null ? [] : [`${chunks.oid}:refs/kv-chunks/main@${refLabel}`]),
  ];
  return { specs: specs.filter((spec) => change.without === undefined || !spec.includes(`:refs/${change.without}/`)), base };
}

/** Builds one and pushes it. */
export async function rollOver(forge: Forger, change: Partial<RolloverForgery> = {}): Promise<Ran> {
  const { specs } = await forgeRollover(forge, change);
  return forge.push(['push', '--atomic', forge.pushUrl, ...specs], change.person);
}
