import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { classifyRef, KV_FAMILIES, ledgerRef, POLICY_REF } from '../../ledger/refs.js';
import { type ContinuationContext, relate, type Relation } from './continuation.js';
import type { MirrorStage } from './stage.js';

/** What looking at both sides takes. The policy is asked for each time: it may have changed. */
export interface SidesContext extends Omit<ContinuationContext, 'policy'> {
  readonly target: MirrorTarget;
  readonly stage: MirrorStage;
  readonly policy: () => Policy;
}

/** The refs of both sides that a Stargate writes, as they were at one look. */
export interface Sides {
  readonly here: ReadonlyMap<RefName, Oid>;
  readonly there: ReadonlyMap<RefName, Oid>;
}

const FOLDERS = [...KV_FAMILIES.map((family) => `refs/${family}/`), 'refs/heads/', 'refs/tags/'];
/** The Stargate's own refs that the mirror is to show, as patterns of a store. */
export const REFS_HERE: readonly string[] = [...FOLDERS, POLICY_REF];
/** The same as patterns of a mirror. */
export const REFS_THERE: readonly string[] = [...FOLDERS.map((folder) => `${folder}*`), POLICY_REF];

/** Lists both sides; the mirror's only if that was not done just now. Throws what the mirror throws. */
export async function readSides({ store, target }: SidesContext, signal?: AbortSignal, listed?: Sides['there']): Promise<Sides> {
  const there = listed ?? (await target.refs(REFS_THERE, signal));
  return { here: await store.refs(REFS_HERE), there };
}

/** The refs of one namespace among others; those of the format that are known here. */
export function refsOf(ns: string, refs: ReadonlyMap<RefName, Oid>): Map<RefName, Oid> {
  return new Map(
    [...refs].filter(([ref]) => {
      const found = classifyRef(ref);
      return 'ns' in found && found.ns === ns && found.kind !== 'mirror';
    }),
  );
}

/** The namespaces that either side has. */
export function namespacesOf({ here, there }: Sides): string[] {
  const names = [...here.keys(), ...there.keys()].flatMap((ref) => {
    const found = classifyRef(ref);
    return found.kind === 'ledger' ? [found.ns] : [];
  });
  return [...new Set(names)].sort();
}

/** Whether the mirror's ledger tip is one that the Stargate has behind it in its current epoch: nothing to be looked into. */
export async function isPlainlyContained({ store }: SidesContext, ns: string, { here, there }: Sides): Promise<boolean> {
  const [own, theirs] = [here.get(ledgerRef(ns)), there.get(ledgerRef(ns))];
  return theirs === undefined || (own !== undefined && (await store.isAncestor(theirs, own)));
}

/**
 * Brings the mirror's refs of some namespaces onto the stage, with more refs if wanted, relates each namespace, and gives the outcome
 * to `use` while the objects are held there. Throws what the mirror throws.
 */
export async function withRelations<T>(
  context: SidesContext,
  { sides, namespaces, more = [] }: { readonly sides: Sides; readonly namespaces: readonly string[]; readonly more?: RefName[] },
  use: (relations: ReadonlyMap<string, Relation>, there: ReadonlyMap<RefName, Oid>) => Promise<T>,
): Promise<T> {
  const wanted = [...new Set([...namespaces.flatMap((ns) => [...refsOf(ns, sides.there).keys()]), ...more])];
  return context.stage.with(wanted, async (there) => {
    const relations = new Map<string, Relation>();
    const judging = { ...context, policy: context.policy() };
    for (const ns of namespaces) relations.set(ns, await relate(judging, ns, refsOf(ns, sides.here), refsOf(ns, there)));
    return use(relations, there);
  });
}
