import { decodeCommit, encodeCommit } from '../../domain/git/commit.js';
import { indexRef, ledgerRef } from '../../domain/ledger/refs.js';
import { buildTransaction } from '../../domain/ledger/transaction/transaction.js';
import { contextOf, keyAt, NS, setOf, valueAt } from '../corpus.js';
import type { Side } from './sides.js';

/** Sets so many keys, spread over `count`, and moves ledger and index: what a client does, but for its signature. */
export async function transaction(side: Side, keys: number, count: number, generation: number): Promise<void> {
  const { store, base } = side;
  const step = Math.floor(count / keys);
  const operations = Array.from({ length: keys }, (_, i) => {
    const at = (i * step + generation * 7) % count;
    return setOf(keyAt(at), valueAt(at, generation));
  });
  const context = contextOf(store);
  const draft = await buildTransaction(context, base, operations);
  const ledger = context.namer.object('commit', encodeCommit(draft.ledgerCommit, store.objectFormat));
  await store.write([...draft.objects, ledger]);
  const moves = [
    { ref: ledgerRef(NS), old: base.ledger?.commit ?? null, next: ledger.oid },
    { ref: indexRef(NS), old: base.index?.commit ?? null, next: draft.indexCommit.oid },
  ];
  await store.updateRefs(moves, 'bench');
  const index = decodeCommit(draft.indexCommit.body, '', store.objectFormat).tree;
  side.base = {
    ...base,
    ledger: { commit: ledger.oid, tree: draft.ledgerCommit.tree },
    index: { commit: draft.indexCommit.oid, tree: index },
  };
}
