import { KvError } from '../../../../ports/error.js';
import { tooManyObjects } from '../../../git/wire/push-request.js';
import { ledgerRef } from '../../../ledger/refs.js';
import type { Base, Draft } from '../../../ledger/transaction/transaction.js';
import type { Clone, WritingPorts } from '../../clone/clone.js';
import { isForAnother, repositoryFor } from '../../clone/repository.js';
import { newestTip, type Tip } from '../../clone/tips.js';
import { wholeTip } from '../../remote/fetch-namespace.js';
import { checkExpectations, requireDeleted } from '../expectations.js';
import type { RequestedOperation } from '../operations.js';
import { type Receipt, receipt, type WriteOutcome } from '../receipt.js';
import type { WriteRequest } from '../request.js';
import { baseOf, build, moves } from './draft.js';
import type { KnownState } from './known-state.js';
import { land, type Target } from './land.js';
import type { News } from './news.js';
import type { PlaceInLine } from './line/place-in-line.js';
import type { Prepared } from './prepare.js';
import { signCommit } from './sign.js';

/** A write that is ready to be built on some tip, and what it goes by. */
export interface ReadyWrite {
  readonly request: WriteRequest;
  readonly target: Target;
  readonly kept: readonly RequestedOperation[];
  readonly prepared: Prepared;
  readonly known: KnownState;
  readonly line: PlaceInLine;
  /** Whether it goes to the Stargate. */
  readonly pushes: boolean;
  /** Whether it may be overtaken and still win: whoever expects a tree can't. */
  readonly queues: boolean;
  /** Whether all objects of the push are at hand: chunks were stored as they were cut. */
  readonly atHand: boolean;
}

/** What came of an attempt: it counts; or a race was lost that began at `tip`; or this clone knew too little, and knows more now. */
export type AttemptEnd = { readonly receipt: Receipt } | { readonly lost: KvError; readonly tip: Tip | null } | 'knows-more';

/**
 * Builds the transaction on `news`, or on the newest tip that this clone knows, signs it and has its refs moved. `retries` were lost
 * before. Adds to `warnings`. Throws what trying again would not change.
 */
export async function attempt(
  clone: Clone,
  ports: WritingPorts,
  write: ReadyWrite,
  { news, retries, warnings }: { readonly news: News | null; readonly retries: number; readonly warnings: string[] },
): Promise<AttemptEnd> {
  const { request, target, kept, prepared, known, line, pushes, queues, atHand } = write;
  const { ns } = request;
  if (pushes && atHand && line.turn?.ownWay !== true) clone.remotes.expectPush?.(clone.remoteName, retries > 0);
  const tip = news?.tip ?? (await (target === 'stargate' ? wholeTip(clone, ns, 'stargate') : newestTip(clone, ns)));
  const base = await baseOf(clone, tip, !atHand);
  const overtaken = (): KvError | null => (pushes && line.turn === null ? lostAlready(clone, ns, base, queues) : null);
  const early = overtaken();
  if (early !== null) return { lost: early, tip };
  const repository = repositoryFor(known.published, tip);
  if (repository instanceof KvError) return knowMore(known, repository);
  const draft = await build(clone, ports, request, prepared, { tip, base, repository, policy: known.policy });
  const doubt = await doubtful(clone, request, draft, tip, kept);
  // What this clone knows says no; the Stargate's newest state has the last word.
  if (doubt !== null && !known.fresh) return knowMore(known);
  if (doubt instanceof KvError) throw doubt;
  const outcome: WriteOutcome = { request, prepared, draft, tip, base, retries };
  const nothing = draft.set.length + draft.del.length === 0;
  if (nothing || request.dryRun === true) return { receipt: receipt(outcome, null, 'nowhere', warnings) };
  const late = overtaken();
  if (late !== null) return { lost: late, tip };
  return conclude(clone, ports, write, { outcome, behind: news?.behind, warnings });
}

/** Signs what was drafted and has its refs moved. */
async function conclude(
  clone: Clone,
  ports: WritingPorts,
  { request: { ns }, target, known, line, pushes, atHand }: ReadyWrite,
  {
    outcome,
    behind,
    warnings,
  }: { readonly outcome: WriteOutcome; readonly behind: News['behind'] | undefined; readonly warnings: string[] },
): Promise<AttemptEnd> {
  const { draft, base, tip } = outcome;
  const mayBeUnsigned = target === 'clone' || known.policy?.requireSignedCommits === false;
  const { object, unsigned } = await signCommit(clone, ports, draft.ledgerCommit, mayBeUnsigned);
  const objects = [...draft.objects, object];
  // Before anything is written: what the Stargate would refuse would stay in this clone.
  const most = known.published.policy?.maxPushObjects ?? Number.POSITIVE_INFINITY;
  if (pushes && objects.length > most) return knowMore(known, tooManyObjects(objects.length, most));
  await clone.store.write(objects);
  try {
    const { turn, impatient } = line;
    const how = { turn: turn?.token, impatient, behind, ...(atHand ? { objects } : {}) };
    const warning = await land(clone, ns, moves(ns, base, draft, object.oid), target, how);
    if (warning !== null) warnings.push(warning);
    if (unsigned !== null) warnings.push(`the commit is not signed: ${unsigned}`);
    return { receipt: receipt(outcome, object.oid, clone.reality === undefined ? target : 'reality', warnings) };
  } catch (error) {
    if (!known.fresh && isForAnother(error)) return knowMore(known); // what this clone knows of the repository is old
    // In a line there is room where there is none for a push.
    if (!KvError.is(error) || !(error.code === 'CAS_CONFLICT' || (line.impatient && error.code === 'BUSY'))) throw error;
    return { lost: error, tip };
  }
}

/** Asks the Stargate for what this clone doesn't know; throws `otherwise` when that was done. */
async function knowMore(known: KnownState, otherwise?: KvError): Promise<'knows-more'> {
  if (known.fresh && otherwise !== undefined) throw otherwise;
  await known.refreshOnce();
  return 'knows-more';
}

/**
 * Why a push would be refused, as far as its connection has heard of it: the Stargate has gone on since the state that is built on, or it is
 * another's turn. Null where nothing is known.
 */
function lostAlready(clone: Clone, ns: string, base: Base, queues: boolean): KvError | null {
  const shown = clone.remotes.shown?.(clone.remoteName);
  if (queues && shown?.turns.has(ns) === true) {
    return new KvError('CAS_CONFLICT', `another writer has the turn in namespace ${ns}`, { details: { ns, turns: 1 } });
  }
  const there = shown?.refs.get(ledgerRef(ns));
  if (there === undefined || there === base.ledger?.commit) return null;
  return new KvError('CAS_CONFLICT', `'${ledgerRef(ns)}' has moved at '${clone.remoteName}'`, {
    hint: 'read the newest state and try again',
    details: { ref: ledgerRef(ns) },
  });
}

/** What speaks against a transaction on this tip: an expectation that fails, a deletion with nothing to delete. Null: nothing. */
async function doubtful(
  clone: Clone,
  request: WriteRequest,
  draft: Draft,
  tip: Tip | null,
  kept: readonly RequestedOperation[],
): Promise<KvError | 'absent' | null> {
  try {
    await checkExpectations(clone, request.ns, request, tip);
    if (request.strictDelete === true) requireDeleted(request.ns, draft, kept);
  } catch (error) {
    if (KvError.is(error) && (error.code === 'CAS_CONFLICT' || error.code === 'NOT_FOUND')) return error;
    throw error;
  }
  const deleted = new Set(kept.filter(({ op }) => op === 'del').map(({ key }) => key));
  return draft.unchanged.some((key) => deleted.has(key)) ? 'absent' : null;
}
