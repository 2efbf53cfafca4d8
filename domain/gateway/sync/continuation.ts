import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { NamespacePolicy, Policy } from '../../../ports/stargate/policy-reader.js';
import type { Oid, RefName, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import {
  archiveRef,
  chunksRef,
  classifyRef,
  compactedRef,
  epochRef,
  indexRef,
  ledgerRef,
  refsOfLabel,
} from '../../ledger/refs.js';
import { boundedStore } from '../accept/bounded-store.js';
import type { NamespacePush } from '../accept/ref-rules.js';
import { validateNamespace } from '../accept/validate-push.js';
import { boundedContext, type ValidationContext } from '../accept/validation-context.js';
import { CheckBudget } from '../limits/check-budget.js';
import { checkLimits } from '../limits/check-limits.js';
import { type EpochBeginning, type EpochStep, stepsFrom } from './epoch-steps.js';
import { withRefs } from './view.js';
import { publishedSequencers } from '../commit/policy-ref.js';
import { checkIntents } from './intents.js';
import { checkWatchlogs } from './watchlogs.js';

/** What verifying a continuation takes: what judging a push takes, over a store that has the mirror's objects. */
export interface ContinuationContext extends ValidationContext {
  readonly store: GitStore;
}

/** What a mirror has beyond the Stargate, verified as a push of it would be. */
export interface Continuation {
  /** The moves that bring the Stargate there. */
  readonly updates: readonly RefUpdate[];
  /** One a transaction, oldest first; they stand in the mirror's watchlog. */
  readonly events: readonly WatchEvent[];
}

/** How a namespace at the mirror relates to what is here. `here` and `there` are ledger tips. */
export type Relation =
  /** The mirror is where the Stargate is, or was once. */
  | { readonly kind: 'contained' }
  /** The mirror goes on from here, soundly. `held`: why it can't be taken over as things are, such as a signer that the policy lacks. */
  | {
      readonly kind: 'ahead';
      readonly here: Oid | null;
      readonly there: Oid;
      readonly continuation: Continuation | null;
      readonly held: KvError | null;
    }
  /** Neither contains the other; or the mirror goes on from here with what no Stargate has accepted, which `fault` says. */
  | { readonly kind: 'apart'; readonly here: Oid | null; readonly there: Oid; readonly fault: KvError | null };

/** Faults that the policy of today makes: another one may take the same history. */
const OF_THE_POLICY: readonly string[] = ['SIGNER_UNKNOWN', 'POLICY_VIOLATION'];

/**
 * Looks at a namespace on both sides: `here` are its refs in this repository, `there` those of the mirror, whose objects are here.
 * What is ahead is verified: signatures by the policy, attestation, index, values, rollovers, watchlog.
 * Throws `IO_ERROR` and what else says nothing about the mirror's content.
 */
export async function relate(
  context: ContinuationContext,
  ns: string,
  here: ReadonlyMap<RefName, Oid>,
  there: ReadonlyMap<RefName, Oid>,
): Promise<Relation> {
  const [own, theirs] = [here.get(ledgerRef(ns)) ?? null, there.get(ledgerRef(ns))];
  if (theirs === undefined || own === theirs) return { kind: 'contained' };
  if (own !== null && (await leadsTo(context.store, theirs, own, here))) return { kind: 'contained' };
  const apart = (fault: KvError | null): Relation => ({ kind: 'apart', here: own, there: theirs, fault });
  if (own !== null && !(await leadsTo(context.store, own, theirs, there))) return apart(null);
  const limits = checkLimits(context.policy.limits);
  // Of its own: it happens rarely, and no push is to wait for it.
  const share = new CheckBudget().begin(limits);
  const bounded = { ...boundedContext(context, limits, share), store: boundedStore(context.store, limits.objects, share) };
  try {
    const steps = await stepsFrom(bounded.store, ns, own, there);
    if (steps === null) return apart(null);
    return { kind: 'ahead', here: own, there: theirs, continuation: await verify(bounded, ns, steps, here, there), held: null };
  } catch (thrown) {
    const error = toKvError(thrown);
    if (['IO_ERROR', 'INTERRUPTED', 'UNEXPECTED'].includes(error.code)) throw thrown;
    if (OF_THE_POLICY.includes(error.code)) return { kind: 'ahead', here: own, there: theirs, continuation: null, held: error };
    return apart(error);
  }
}

/** Whether a ledger commit is the other one, or came before it, in the same epoch or in one that was archived since. */
async function leadsTo(store: GitStore, from: Oid, to: Oid, refs: ReadonlyMap<RefName, Oid>): Promise<boolean> {
  if (await store.isAncestor(from, to)) return true;
  for (const [ref, archive] of refs)
    if (classifyRef(ref).kind === 'archive' && (await store.isAncestor(from, archive))) return true;
  return false;
}

async function verify(
  context: ContinuationContext,
  ns: string,
  steps: readonly EpochStep[],
  here: ReadonlyMap<RefName, Oid>,
  there: ReadonlyMap<RefName, Oid>,
): Promise<Continuation> {
  const view = new Map(here);
  const sequencers = await publishedSequencers(context.store);
  const judged = { ...context, sequencers, policy: signersOnly(context.policy, ns), maxChain: Number.POSITIVE_INFINITY };
  const events: WatchEvent[] = [];
  const judge = async (push: NamespacePush): Promise<void> => {
    events.push(...(await validateNamespace(judged, push, withRefs(context.store, view))));
    for (const part of [push.ledger, push.index, push.epoch, push.chunks, push.archive])
      if (part !== null) view.set(part.ref, part.next as Oid);
  };
  for (const step of steps) {
    if (step.begins !== null && step.begins.before !== null) await judge(rollover(ns, view, step.label, step.begins));
    const later = transactions(ns, view, step);
    if (later !== null) await judge(later);
  }
  for (const ref of [ledgerRef(ns), indexRef(ns), epochRef(ns)]) {
    if (view.get(ref) === there.get(ref)) continue;
    throw new KvError(
      'ATTESTATION_MISMATCH',
      `${ref} of the mirror is at ${there.get(ref)}, and its history ends at ${view.get(ref)}`,
    );
  }
  for (const [ref, tip] of await checkWatchlogs(context.store, ns, events, here, there)) view.set(ref, tip);
  for (const [ref, tip] of await checkIntents(context.store, ns, events, here, there)) view.set(ref, tip);
  for (const [ref, oid] of usedLabels(ns, view, there)) view.set(ref, oid);
  const updates = [...view].map(([ref, next]) => ({ ref, old: here.get(ref) ?? null, next }));
  return { updates: updates.filter(({ old, next }) => old !== next), events };
}

/** The commits that begin a new epoch, as the one push that they were. */
function rollover(
  ns: string,
  view: ReadonlyMap<RefName, Oid>,
  label: string,
  { ledger, index, chunks, before }: EpochBeginning,
): NamespacePush {
  const move = (ref: RefName, next: Oid, epoch = '') => ({ ref, old: view.get(ref) ?? null, next, epoch });
  return {
    ns,
    ledger: move(ledgerRef(ns), ledger),
    index: move(indexRef(ns), index),
    epoch: move(epochRef(ns), ledger),
    chunks: chunks === null ? null : move(chunksRef(ns, label), chunks, label),
    archive: before === null ? null : move(archiveRef(ns, before.label), before.archive, before.label),
  };
}

/** What follows in an epoch, as one push; null when nothing does. */
function transactions(ns: string, view: ReadonlyMap<RefName, Oid>, step: EpochStep): NamespacePush | null {
  const old = view.get(ledgerRef(ns)) ?? null;
  if (old === step.ledger) return null;
  const chunks = chunksRef(ns, step.label);
  const had = view.get(chunks) ?? null;
  const first = step.begins?.ledger ?? null;
  return {
    ns,
    ledger: { ref: ledgerRef(ns), old, next: step.ledger },
    index: { ref: indexRef(ns), old: view.get(indexRef(ns)) ?? null, next: step.index },
    epoch: old !== null ? null : { ref: epochRef(ns), old: null, next: first },
    chunks: step.chunks === null || step.chunks === had ? null : { ref: chunks, old: had, next: step.chunks, epoch: step.label },
    archive: null,
  };
}

/** The labels of epochs that the mirror knows to be compacted away, of which nothing is here: they are not to be used again. */
function usedLabels(ns: string, view: ReadonlyMap<RefName, Oid>, there: ReadonlyMap<RefName, Oid>): [RefName, Oid][] {
  return [...there].filter(([ref]) => {
    const found = classifyRef(ref);
    if (found.kind !== 'compacted' || found.epoch === null || ref !== compactedRef(ns, found.epoch)) return false;
    return !refsOfLabel(ns, found.epoch).some((each) => view.has(each));
  });
}

/**
 * What was accepted once was accepted under the policy of its day: of today's policy, who may sign counts, and not which keys and
 * sizes it takes. Everything is recomputed, nothing sampled.
 */
function signersOnly(policy: Policy, ns: string): Policy {
  const found = policy.namespaces.get(ns);
  if (found === undefined) return policy;
  const relaxed: NamespacePolicy = {
    ...found,
    ...{ maxValueInline: Number.POSITIVE_INFINITY, maxValueTotal: Number.POSITIVE_INFINITY },
    ...{ allowedPrefixes: [], forbidLfs: false },
    retention: { ...found.retention, ttlDefault: null },
    verify: { ...found.verify, mode: 'full' },
  };
  return { ...policy, namespaces: new Map([...policy.namespaces, [ns, relaxed]]) };
}
