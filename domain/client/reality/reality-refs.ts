import { KvError } from '../../../ports/error.js';
import { isNamespace, NAMESPACE_RULE } from '../../../ports/grammar/namespace.js';
import type { RefName } from '../../../ports/vocabulary.js';
import { chunksRef, epochRef, indexRef, ledgerRef, strandedRef, trackedNames } from '../../ledger/refs.js';

/** Everything that a namespace's realities have in a clone. No Stargate takes a push of these, and no fetch brings any. */
export const realitiesPrefix = (ns: string): RefName => `refs/kv-reality/${ns}/`;
/** Everything that one reality has. */
export const realityPrefix = (ns: string, name: string): RefName => `${realitiesPrefix(ns)}${name}/`;
/** What a reality began as: a blob, without which there is none. */
export const aboutRef = (ns: string, name: string): RefName => `${realityPrefix(ns, name)}about`;

/** Throws `USAGE` for what can't name a reality: names are as those of namespaces. */
export function checkRealityName(name: string): void {
  if (isNamespace(name)) return;
  throw new KvError('USAGE', `${JSON.stringify(name.slice(0, 80))} is no name for a reality`, {
    hint: `a reality's name is ${NAMESPACE_RULE}`,
  });
}

/**
 * Where a ref of the namespace stands inside a reality: elsewhere, or nowhere (null), as what others have written since and what this
 * clone has of its own; undefined for a ref that is the same inside and outside, such as the policy and the past's.
 */
export function refInside(ns: string, name: string): (ref: RefName) => RefName | null | undefined {
  const prefix = realityPrefix(ns, name);
  const moved = new Map<RefName, RefName | null>([[strandedRef(ns), null]]);
  const own: readonly [RefName, string][] = [
    [ledgerRef(ns), 'ledger'],
    [indexRef(ns), 'index'],
    [epochRef(ns), 'epoch'],
  ];
  for (const [ref, last] of own) {
    for (const tracked of trackedNames(ref)) moved.set(tracked, tracked === ref ? `${prefix}${last}` : null);
  }
  const [stargates, mirrors, chunks] = trackedNames(chunksRef(ns, '')) as [RefName, RefName, RefName];
  return (ref) => {
    if (ref.startsWith(chunks)) return `${prefix}chunks/${ref.slice(chunks.length)}`;
    return ref.startsWith(stargates) || ref.startsWith(mirrors) ? null : moved.get(ref);
  };
}
