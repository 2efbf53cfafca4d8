import type { GitStore } from '../../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import { decodeCommit } from '../../../git/commit.js';
import { parseChunksMessage, parseIndexMessage, parseLedgerMessage } from '../../../ledger/transaction/attestation.js';
import { classifyRef, ledgerRef } from '../../../ledger/refs.js';
import { throwFault } from '../../../verify/fault.js';
import { readIntentsChain } from '../../../verify/intents-chain.js';
import { decodeEvent } from '../../../ledger/transaction/watchlog.js';
import { type Group, groupOf, type Waiting } from '../queue.js';

/** One transaction of a namespace that waits: the moves of its refs that belong together. */
export interface Piece {
  readonly waiting: Waiting;
  readonly moves: readonly RefUpdate[];
  /** The ledger commit that it ends with; null where it moves no ledger. */
  readonly ledger: Oid | null;
  /** Nothing of its intent waits behind it. */
  readonly last: boolean;
}

/**
 * What waits of a namespace, transaction by transaction, oldest first. Each piece has the index, the watchlog and the chunks of the same
 * moment as its ledger, so that a mirror which has taken some of them shows a state that there was.
 */
export async function piecesOf(store: GitStore, batch: readonly Waiting[], ns: Group): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for (const waiting of batch) {
    if (!waiting.groups.has(ns)) continue;
    const moves = waiting.intent.updates.filter(({ ref }) => groupOf(ref) === ns);
    const ledgers = waiting.intent.events.filter((event) => event.ns === ns).map(({ oid }) => oid);
    const steps = ledgers.length > 1 ? await stepsOf(store, moves, ledgers) : [moves];
    for (const [i, step] of steps.entries()) {
      const ledger = step.find(({ ref }) => ref === ledgerRef(ns))?.next ?? null;
      pieces.push({ waiting, moves: step, ledger, last: i === steps.length - 1 });
    }
  }
  return pieces;
}

/**
 * The moves of a push of several transactions, one by one: each commit of index, chunks and watchlog says which transaction it is of.
 * Such a push begins no epoch on top of another.
 */
async function stepsOf(store: GitStore, moves: readonly RefUpdate[], ledgers: readonly Oid[]): Promise<RefUpdate[][]> {
  const named = await Promise.all(moves.map(async (move) => ({ move, byLedger: await commitsByLedger(store, move, ledgers) })));
  const at = new Map<RefName, Oid | null>(moves.map(({ ref, old }) => [ref, old]));
  return ledgers.map((ledger, i) => {
    const step: RefUpdate[] = [];
    for (const { move, byLedger } of named) {
      const { ref } = move;
      const last = i === ledgers.length - 1;
      // A ref that doesn't go with each transaction, as the epoch's, goes with the first.
      const next = last ? move.next : byLedger === null ? move.next : (byLedger.get(ledger) ?? null);
      const old = at.get(ref) ?? null;
      if (next === null || next === old) continue;
      step.push({ ref, old, next });
      at.set(ref, next);
    }
    return step;
  });
}

/** The commits that a move brings, by the ledger commit that each goes with; null for a ref that is no chain of transactions. */
async function commitsByLedger(
  store: GitStore,
  { ref, old, next }: RefUpdate,
  ledgers: readonly Oid[],
): Promise<ReadonlyMap<Oid, Oid> | null> {
  const { kind } = classifyRef(ref);
  if (kind === 'ledger') return new Map(ledgers.map((oid) => [oid, oid]));
  if (kind === 'intents' && next !== null) {
    const chain = await readIntentsChain(store, throwFault, { ref, old, next });
    return new Map(chain.map(({ ledger, oid }) => [ledger, oid]));
  }
  if ((kind !== 'index' && kind !== 'chunks' && kind !== 'watchlog') || next === null) return null;
  const txns = await transactionsOf(store, ledgers);
  const found = new Map<Oid, Oid>();
  const oids: Oid[] = [];
  for await (const oid of store.history({ tip: next, ...(old === null ? {} : { exclude: old }) })) oids.push(oid);
  const objects = await store.read(oids);
  for (const [i, oid] of oids.entries()) {
    const object = objects[i];
    if (!object) continue;
    const { message } = decodeCommit(object.body, oid, store.objectFormat);
    if (kind === 'watchlog') found.set(decodeEvent(message, oid).oid, oid);
    else {
      const { txn } = kind === 'index' ? parseIndexMessage(message, oid) : parseChunksMessage(message, oid);
      const ledger = txns.get(txn);
      if (ledger !== undefined) found.set(ledger, oid);
    }
  }
  return found;
}

async function transactionsOf(store: GitStore, ledgers: readonly Oid[]): Promise<Map<string, Oid>> {
  const objects = await store.read(ledgers);
  return new Map(
    objects.flatMap((object) => {
      if (!object) return [];
      const { message } = decodeCommit(object.body, object.oid, store.objectFormat);
      return [[parseLedgerMessage(message, object.oid).txn, object.oid] as const];
    }),
  );
}
