import { KvError } from '../../../ports/error.js';
import { quoteKey } from '../../ledger/value/key.js';
import { isUlid } from '../../ledger/ulid.js';
import { momentAt, momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { isRollover, openAll } from '../past/epoch-chain.js';
import { differingKeys, type KeyState, statesOf } from './key-state.js';
import { putBack, type PutBack, writersFreshness } from './put-back.js';

const LISTED = 10;

/**
 * What undoes a transaction: for each key that it set or deleted, what was there before. Reads the Stargate's newest state.
 * Throws `CAS_CONFLICT` listing the keys that another transaction has changed since, `NOT_FOUND` for an unknown transaction,
 * `USAGE` for one that changed nothing.
 */
export async function planRevert(clone: Clone, ns: string, txn: string): Promise<PutBack> {
  if (!isUlid(txn)) {
    throw new KvError('USAGE', `${JSON.stringify(txn.slice(0, 80))} is no transaction`, {
      hint: 'a transaction is named by its KV-Txn, such as 01K8ZVM3M0QJ3T0S6V9Q3D5N7R, or by its ledger commit; the history of a key gives both',
      advice: { id: 'name-transaction' },
    });
  }
  const freshness = await writersFreshness(clone);
  const { ledger: undone } = await momentAt(clone, ns, txn, freshness);
  const { ledger: tip } = await momentNow(clone, ns, { ...freshness, offline: true });
  if (isRollover(undone)) {
    throw new KvError('USAGE', `transaction ${txn} began epoch ${undone.trailers.epoch} and changed no key`, {
      hint: 'an epoch is not undone; restoring puts single keys back',
      advice: { id: 'restore-keys' },
    });
  }
  const [parent] = await openAll(clone, undone.commit.parents);
  const touched = await differingKeys(clone, ns, parent?.commit.tree ?? null, undone.commit.tree, '');
  const now = await statesOf(
    clone,
    ns,
    tip.commit.tree,
    touched.map(({ key }) => key),
  );
  const changed = touched.filter(({ after }, i) => !same(after, now[i] ?? null)).map(({ key }) => key);
  if (changed.length > 0) throw conflict(txn, changed, touched.length);
  const replacements = touched.map(({ key, before }, i) => ({ key, now: now[i] ?? null, old: before }));
  return { ...(await putBack(clone, ns, tip, undone, replacements)), subject: `kv: ${ns}: revert ${txn}` };
}

/** The metadata names the transaction, so that a value which was set again as it was counts as changed. */
function same(a: KeyState | null, b: KeyState | null): boolean {
  return a?.value === b?.value && a?.meta === b?.meta;
}

function conflict(txn: string, keys: readonly string[], all: number): KvError {
  const listed = keys.slice(0, LISTED).map(quoteKey).join(', ');
  const more = keys.length > LISTED ? `, and ${keys.length - LISTED} more` : '';
  const count = `${keys.length} of its ${all} ${all === 1 ? 'key' : 'keys'}`;
  return new KvError('CAS_CONFLICT', `cannot revert ${txn}: ${count} changed since: ${listed}${more}`, {
    hint: 'see in their history who changed them, and restore the keys that you want',
    advice: { id: 'revert-by-key' },
    details: { txn, keys },
  });
}
