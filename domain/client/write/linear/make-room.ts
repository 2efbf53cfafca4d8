import { KvError } from '../../../../ports/error.js';
import type { Ordered } from '../../../git/wire/intent-frames.js';
import { epochRef, indexRef, ledgerRef, strandedRef, trackingRef } from '../../../ledger/refs.js';
import type { Clone } from '../../clone/clone.js';

/**
 * A ledger that was begun in this clone, and that no side has ever shown, makes room for the one in which the Stargate has ordered a
 * transaction: it stays in a ref of its own. Gives the warnings that say so. Tips of this clone that were pushed stay: the Stargate's goes
 * on from them.
 */
export async function makeRoom(clone: Clone, ns: string, { commit }: Ordered): Promise<readonly string[]> {
  const own = [ledgerRef(ns), indexRef(ns), epochRef(ns)];
  const shown = (['mirror', 'stargate'] as const).map((source) => trackingRef(source, ledgerRef(ns)));
  const refs = await clone.store.refs([...own, ...shown, strandedRef(ns)]);
  const local = refs.get(ledgerRef(ns));
  if (commit === null || local === undefined || shown.some((ref) => refs.has(ref))) return [];
  const moves = own.flatMap((ref) => (refs.has(ref) ? [{ ref, old: refs.get(ref) ?? null, next: null }] : []));
  try {
    await clone.store.updateRefs(
      [...moves, { ref: strandedRef(ns), old: refs.get(strandedRef(ns)) ?? null, next: local }],
      `kv: ordered in ${ns}`,
    );
  } catch (error) {
    if (!KvError.is(error)) throw error;
    // Another command of this clone does it at the same moment; whatever else it is, the transaction stands.
    return error.code === 'CAS_CONFLICT'
      ? []
      : [`a ledger that this clone had of its own could not be set aside: ${error.message}`];
  }
  return [
    `this clone had a ledger of its own, begun before it knew the Stargate's: it is kept in ${strandedRef(ns)}, and its keys are not in ${ns}`,
  ];
}
