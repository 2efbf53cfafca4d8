import { KvError } from '../../../../ports/error.js';
import type { KnownTips } from '../../../admin/turn.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { tooManyObjects } from '../../../git/wire/push-request.js';
import { ledgerRef } from '../../../ledger/refs.js';
import type { Base, Draft } from '../../../ledger/transaction/transaction.js';
import { chunksTip, fetchChunks } from '../../clone/chunks-tip.js';
import type { Clone, WritingPorts } from '../../clone/clone.js';
import { knownPublished } from '../../clone/known-policy.js';
import { fetchNamespace, wholeTip } from '../../remote/fetch-namespace.js';
import { newestTip, type Tip } from '../../clone/tips.js';
import { requireCaughtUp } from '../caught-up.js';
import { type FindChunks, lookUpChunks } from '../value/chunk-value.js';
import { baseOf, build, moves } from './draft.js';
import { checkExpectations, requireDeleted } from '../expectations.js';
import { wrongMode } from '../../sequence/mode.js';
import { land, type Target } from './land.js';
import { isRefusedBy, type RequestedOperation } from '../operations.js';
import type { Prepared } from './prepare.js';
import { MAX_ATTEMPTS, pauseAfterRace } from './race-pause.js';
import { type Receipt, receipt } from '../receipt.js';
import type { WriteRequest } from '../request.js';
import { isForAnother, repositoryFor } from '../../clone/repository.js';
import { signCommit } from './sign.js';
import { knownTips, type News, takeNews } from './news.js';
import { rememberLine, sawLine } from './seen-lines.js';
import { type HeldTurn, isOthersTurn, knowsTip, takeTurn } from './turn.js';

/** Reads the values of a write when it is first asked, and gives the same ever after: a lost race needs none of this again. */
export type PreparedOnce = (policy: NamespacePolicy | null, chunks: (key: string) => FindChunks) => Promise<Prepared>;

/** A write, where it goes, and its operations, one for each key. */
export interface LinearWrite {
  readonly request: WriteRequest;
  readonly target: Target;
  readonly kept: readonly RequestedOperation[];
  readonly warnings: readonly string[];
  readonly prepare: PreparedOnce;
}

/**
 * Writes one transaction of a linear ledger. Builds on the newest tip that this clone knows, without asking first; when the Stargate has
 * moved on, stands in line for a turn, reads its tip, builds again and retries, unless the caller expected a tree. Throws as `write`, and
 * `wrongMode` as soon as the policy says that the ledger is sequenced.
 */
export async function writeLinear(
  clone: Clone,
  ports: WritingPorts,
  { request, target, kept, warnings: given, prepare }: LinearWrite,
): Promise<Receipt> {
  const { ns } = request;
  const warnings = [...given];
  let fresh = target === 'clone';
  let published = await knownPublished(clone); // only a fetch moves it
  const refreshOnce = async (): Promise<void> => {
    if (fresh) return;
    await fetchNamespace(clone, ns, 'stargate');
    published = await knownPublished(clone);
    fresh = true;
  };
  const policy = (): NamespacePolicy | null => published.policy?.namespaces.get(ns) ?? null;
  const unknown = published.policy === null && request.dryRun !== true;
  if (request.dryRun === true && request.refreshed !== true) {
    try {
      await refreshOnce();
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error;
      warnings.push(`the Stargate could not be asked, so this is by what was last fetched: ${error.message}`);
      fresh = true; // asking again would fail again
    }
  }
  if (unknown || isRefusedBy(policy(), ns, kept)) await refreshOnce();
  const pushes = target === 'stargate' && request.dryRun !== true;
  const checkMode = (): void => {
    if (pushes && policy()?.ledgerMode === 'sequenced') throw wrongMode(ns, 'sequenced');
  };
  checkMode();
  const find = chunksFetched(clone, ns, target);
  const prepared = await prepare(policy(), () => find);
  const atHand = !namesChunks(prepared); // chunks were stored as they were cut
  // Whoever expects a tree can't be overtaken and win, so that it stands in no line: it waits while it is another's turn.
  const queues = request.expectTree === undefined;
  let turn: HeldTurn | null = null;
  let news: News | null = null;
  /** Whether there is a line to stand in that it has not stood in yet. */
  let impatient = pushes && queues && clone.remotes.askToPush !== undefined;
  const standInLine = async (have: KnownTips): Promise<HeldTurn | null> => {
    const taken = await takeTurn(clone, ports, ns, have);
    impatient = false;
    await rememberLine(clone, taken, ns);
    return taken;
  };
  /** Reads where the Stargate stands, unless a turn has brought that: gives it then. */
  const catchUp = async (tip: Tip | null, have: KnownTips): Promise<News | null> => {
    const brought = turn === null || namesChunks(prepared) ? null : await takeNews(clone, ports, turn, have);
    if (brought !== null) return brought;
    if (turn === null || namesChunks(prepared) || !(await knowsTip(clone, turn))) await refresh(clone, ns, namesChunks(prepared));
    if (tip !== null) await requireCaughtUp(clone, tip);
    return null;
  };
  try {
    if (pushes && queues && (await sawLine(clone, ns))) {
      const tip = await newestTip(clone, ns);
      const have = knownTips(clone, ports, tip);
      turn = await standInLine(have);
      if (turn !== null) {
        news = await catchUp(tip, have);
        published = await knownPublished(clone);
        fresh = true;
      }
    }
    for (let attempt = 0; ; ) {
      checkMode();
      const began = clone.clock.now();
      if (pushes && atHand && turn?.ownWay !== true) clone.remotes.expectPush?.(clone.remoteName, attempt > 0);
      const brought = news;
      const newest = () => (target === 'stargate' ? wholeTip(clone, ns, 'stargate') : newestTip(clone, ns));
      const tip = brought?.tip ?? (await newest());
      news = null;
      const base = await baseOf(clone, tip, namesChunks(prepared));
      let lost = pushes && turn === null ? lostAlready(clone, ns, base, queues) : null;
      if (lost === null) {
        const repository = repositoryFor(published, tip);
        if (repository instanceof KvError) {
          if (fresh) throw repository;
          await refreshOnce();
          continue;
        }
        const draft = await build(clone, ports, request, prepared, { tip, base, repository, policy: policy() });
        const doubt = await doubtful(clone, request, draft, tip, kept);
        if (doubt !== null && !fresh) {
          await refreshOnce(); // what this clone knows says no; the Stargate's newest state has the last word
          continue;
        }
        if (doubt instanceof KvError) throw doubt;
        const outcome = { request, prepared, draft, tip, base, retries: attempt };
        const nothing = draft.set.length + draft.del.length === 0;
        if (nothing || request.dryRun === true) return receipt(outcome, null, 'nowhere', warnings);
        lost = pushes && turn === null ? lostAlready(clone, ns, base, queues) : null;
        if (lost === null) {
          const mayBeUnsigned = target === 'clone' || policy()?.requireSignedCommits === false;
          const { object, unsigned } = await signCommit(clone, ports, draft.ledgerCommit, mayBeUnsigned);
          const objects = [...draft.objects, object];
          // Before anything is written: what the Stargate would refuse would stay in this clone.
          const most = published.policy?.maxPushObjects ?? Number.POSITIVE_INFINITY;
          if (pushes && objects.length > most) {
            if (fresh) throw tooManyObjects(objects.length, most);
            await refreshOnce();
            continue;
          }
          await clone.store.write(objects);
          try {
            const how = { turn: turn?.token, impatient, behind: brought?.behind, ...(atHand ? { objects } : {}) };
            const warning = await land(clone, ns, moves(ns, base, draft, object.oid), target, how);
            if (warning !== null) warnings.push(warning);
            if (unsigned !== null) warnings.push(`the commit is not signed: ${unsigned}`);
            return receipt(outcome, object.oid, clone.reality === undefined ? target : 'reality', warnings);
          } catch (error) {
            if (!fresh && isForAnother(error)) {
              await refreshOnce(); // what this clone knows of the repository is old
              continue;
            }
            // In a line there is room where there is none for a push.
            if (!KvError.is(error) || !(error.code === 'CAS_CONFLICT' || (impatient && error.code === 'BUSY'))) throw error;
            lost = error;
          }
        }
      }
      turn?.release();
      turn = null;
      const took = queues ? clone.clock.now() - began : 0;
      const again = ++attempt < MAX_ATTEMPTS && (queues || isOthersTurn(lost));
      const have = knownTips(clone, ports, tip);
      if (again && queues && pushes) turn = await standInLine(have);
      if (again && turn === null) await pauseAfterRace(clone, ports, attempt - 1, took);
      if (target === 'stargate' && (again || tip?.from !== 'stargate')) news = await catchUp(tip, have);
      if (!again) throw lost;
      published = await knownPublished(clone);
      fresh = true;
    }
  } finally {
    turn?.release();
  }
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

/** Whether a value lies in chunks: ones that were just cut, or those that an old value's manifest names. */
function namesChunks({ operations }: Prepared): boolean {
  return operations.some((one) => one.op === 'set' && !(one.value instanceof Uint8Array));
}

/** The Stargate's newest state, with the chunks where they matter. */
async function refresh(clone: Clone, ns: string, withChunks: boolean): Promise<void> {
  await fetchNamespace(clone, ns, 'stargate');
  const tip = withChunks ? await newestTip(clone, ns) : null;
  if (tip !== null) await fetchChunks(clone, ns, tip.trailers.epoch, 'stargate');
}

/** Finds chunks that the namespace's epoch has, fetched where this clone knows none, when the first is asked for. */
function chunksFetched(clone: Clone, ns: string, target: Target): FindChunks {
  let tree: Promise<Oid | null> | undefined;
  const lookUp = async (): Promise<Oid | null> => {
    const tip = await newestTip(clone, ns);
    if (tip === null) return null;
    const { epoch } = tip.trailers;
    if (target === 'stargate' && (await chunksTip(clone, ns, epoch)) === null) await fetchChunks(clone, ns, epoch, 'stargate');
    return (await chunksTip(clone, ns, epoch))?.tree ?? null;
  };
  return async (digests) => {
    tree ??= lookUp();
    return lookUpChunks(clone, ns, await tree, digests);
  };
}
