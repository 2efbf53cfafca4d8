import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { archiveRef, classifyRef, POLICY_REF } from '../../ledger/refs.js';
import { shownRefs } from '../mirror/shown-refs.js';
import type { Relation } from './continuation.js';
import type { Sides } from './relations.js';

/** How a ref at the mirror relates to the one here, as `domain/admin/sync.ts` tells it. */
export type RefState = 'missing' | 'older' | 'newer' | 'unsound' | 'apart' | 'extra';

/** A ref that is not the same on both sides. */
export interface Difference {
  readonly ref: RefName;
  /** The namespace; null for a branch, a tag and the policy. */
  readonly ns: string | null;
  readonly here: Oid | null;
  readonly there: Oid | null;
}

/** A difference that was looked into. `plain`: by its own commits alone, so that a fast-forward brings it along. */
export interface Judged extends Difference {
  readonly state: RefState;
  readonly plain: boolean;
}

/** The refs that differ, of one namespace or of all, and how many are the same. A watermark is to be where its ledger is. */
export function differences(sides: Sides, only: string | undefined): { same: number; differing: Difference[] } {
  const here = new Map(shownRefs(sides.here));
  const extra = [...sides.there.keys()].filter((ref) => !here.has(ref) && classifyRef(ref).kind !== 'other').sort();
  const all = [...here.keys(), ...extra].map((ref): Difference => {
    return { ref, ns: namespaceOf(ref), here: here.get(ref) ?? null, there: sides.there.get(ref) ?? null };
  });
  const wanted = all.filter(({ ns }) => only === undefined || ns === only);
  const differing = wanted.filter((one) => one.here !== one.there);
  return { same: wanted.length - differing.length, differing };
}

/** Says how a ref differs. The mirror's object has to be here, unless it is `extra` or `missing`. */
export async function judge(store: GitStore, one: Difference, relation: Relation | undefined, sides: Sides): Promise<Judged> {
  const { ref, ns, here, there } = one;
  const judged = (state: RefState, plain = false): Judged => ({ ...one, state, plain });
  if (there === null) return judged('missing', true);
  const ahead = relation?.kind === 'ahead';
  if (here === null) {
    const taken = ahead && relation.continuation?.updates.some((update) => update.ref === ref);
    return judged(taken === true || (ahead && isTip(ref)) ? 'newer' : 'extra');
  }
  if (classifyRef(ref).kind === 'tag') return judged('apart');
  if (await store.isAncestor(there, here)) return judged('older', true);
  // What follows by its commits may still be what nobody has accepted: a namespace is judged by all that was looked into.
  if (await store.isAncestor(here, there)) return ns === null || ahead ? judged('newer', true) : judged('unsound');
  if (ns === null || !isTip(ref)) return judged('apart');
  if (ahead) return judged('newer'); // over the beginning of an epoch, which follows from nothing
  return judged((await isArchived(store, ns, there, sides.here)) ? 'older' : 'apart');
}

/** Whether a ref moves to where nothing leads when an epoch begins. */
function isTip(ref: RefName): boolean {
  return ['ledger', 'index', 'epoch', 'mirror'].includes(classifyRef(ref).kind);
}

/** Whether a commit lies in an epoch of ours that has ended. */
async function isArchived(store: GitStore, ns: string, oid: Oid, refs: ReadonlyMap<RefName, Oid>): Promise<boolean> {
  for (const [ref, archive] of refs) {
    const found = classifyRef(ref);
    if (found.kind !== 'archive' || found.epoch === null || ref !== archiveRef(ns, found.epoch)) continue;
    if (await store.isAncestor(oid, archive)) return true;
  }
  return false;
}

function namespaceOf(ref: RefName): string | null {
  const found = classifyRef(ref);
  return 'ns' in found && ref !== POLICY_REF ? found.ns : null;
}
