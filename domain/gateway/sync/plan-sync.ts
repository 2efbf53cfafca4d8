import type { SyncMode } from '../../admin/sync.js';
import { classifyRef, POLICY_REF } from '../../ledger/refs.js';
import type { Relation } from './continuation.js';
import type { Judged, RefState } from './differences.js';

/** What becomes of a ref that differs, as `domain/admin/sync.ts` tells it. */
export type SyncAction = 'none' | 'push' | 'overwrite' | 'delete' | 'adopt';

/** A ref that differs, and what is to be done about it. */
export interface Planned extends Judged {
  readonly action: SyncAction;
}

/** What a mode does about a ref that differs. It guesses nothing: what it is not told to give up, it leaves. */
export function plan(one: Judged, mode: SyncMode, relation: Relation | undefined): Planned {
  return { ...one, action: actionFor(one, mode, relation) };
}

function actionFor({ ref, ns, state, here }: Judged, mode: SyncMode, relation: Relation | undefined): SyncAction {
  if (mode === 'audit') return 'none';
  if (mode === 'adopt') {
    // What the policy says is in a file here; its publication goes on from whatever the mirror shows.
    if (ref === POLICY_REF) return state === 'newer' || state === 'apart' ? 'adopt' : 'none';
    if (ns !== null) return state === 'newer' && relation?.kind === 'ahead' && relation.continuation !== null ? 'adopt' : 'none';
    return state === 'newer' || state === 'extra' ? 'adopt' : 'none';
  }
  if (state === 'missing' || state === 'older') return 'push';
  if (mode === 'repair') return 'none';
  if (here !== null) return 'overwrite';
  return mode === 'hard' ? 'delete' : 'none';
}

/** What the mirror has that is not here; what only it has is settled by leaving it. */
const UNSETTLED: readonly RefState[] = ['newer', 'unsound', 'apart'];

/** Why somebody has to decide, of all that a plan leaves: a line for each namespace, branch and tag, with both tips. */
export function leftOver(planned: readonly Planned[], relations: ReadonlyMap<string, Relation>): string[] {
  const open = planned.filter(({ state, action }) => action === 'none' && UNSETTLED.includes(state));
  const lines: string[] = [];
  for (const ns of new Set(open.map((one) => one.ns))) {
    const own = open.filter((one) => one.ns === ns);
    const relation = ns === null ? undefined : relations.get(ns);
    if (ns === null || relation === undefined || relation.kind === 'contained') {
      lines.push(
        ...own.map(
          ({ ref, here, there, state }) =>
            `${ref}: here ${here ?? 'nothing'}, there ${there}: ${ref === POLICY_REF && state === 'apart' ? PUBLISHED : (WHY[state] ?? state)}`,
        ),
      );
      continue;
    }
    const why = relation.kind === 'ahead' ? (relation.held?.message ?? WHY.newer) : (relation.fault?.message ?? WHY.apart);
    lines.push(`namespace ${ns}: here ${relation.here ?? 'nothing'}, there ${relation.there}: ${why}`);
  }
  return lines;
}

const WHY: Readonly<Record<string, string>> & { readonly newer: string; readonly apart: string } = {
  newer: 'the mirror goes on from here',
  unsound: 'the mirror goes on from here with what no Stargate has accepted',
  apart: 'neither leads to the other',
};

/** Of the published policy: what is in force is in a file here, so that nothing is lost whichever goes on. */
const PUBLISHED = "both have published policies; taken over, the mirror's are gone on from";

/** Whether a ref is of a namespace's own tips, for which a whole namespace is moved and not the ref alone. */
export const isOrdinary = (one: Judged): boolean => ['branch', 'tag'].includes(classifyRef(one.ref).kind);
