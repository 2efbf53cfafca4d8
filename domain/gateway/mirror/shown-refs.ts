import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { classifyRef, mirrorRef } from '../../ledger/refs.js';

/** What the mirror should show: the watermarks last, since each says that its ledger is there, and the old epochs first. */
export function shownRefs(here: ReadonlyMap<RefName, Oid>): [RefName, Oid][] {
  const known = [...here]
    .map(([ref, oid]) => ({ ref, oid, found: classifyRef(ref) }))
    .filter(({ found }) => found.kind !== 'other');
  const ofEpoch = known.filter(({ found }) => 'ns' in found && found.epoch !== null);
  const others = known.filter((one) => !ofEpoch.includes(one) && one.found.kind !== 'mirror');
  const marks = known.flatMap(({ oid, found }) => (found.kind === 'ledger' ? [{ ref: mirrorRef(found.ns), oid }] : []));
  return [...ofEpoch, ...others, ...marks].map(({ ref, oid }) => [ref, oid]);
}
