import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { IntentRecord, Journal } from '../../../ports/stargate/journal.js';
import type { Lease } from '../../../ports/stargate/leader-lock.js';
import { during, NO_SPAN, type Span } from '../../../ports/tracing.js';
import type { Oid, RefName, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import { formatTime } from '../../ledger/value/metadata.js';
import type { ObjectNamer } from '../../git/object.js';
import { watchlogRef } from '../../ledger/refs.js';
import { newUlid } from '../../ledger/ulid.js';
import { appendEvents } from '../../ledger/transaction/watchlog.js';

/** What the reflog says. One reason for all moves: a git process that moves refs can say only one. */
export const REASON = 'kv: stargate';

/** The steps of a commit at which a test may stop the process. */
export const FAILPOINTS = ['after-objects', 'before-intent', 'after-intent', 'after-refs', 'after-done'] as const;
type Failpoint = (typeof FAILPOINTS)[number];

/** What moving refs takes, and who is told. */
export interface CommitContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** The lease, or null while another gateway leads. */
  readonly lease: () => Lease | null;
  readonly failpoint: (name: Failpoint) => void;
  /**
   * In a cluster: has it decide the intent, and resolves once the refs have moved here. It keeps the journal itself, and stores the objects,
   * while it tells the others of them. Throws by an error of `undecided` where nothing was decided and never will be.
   */
  readonly replicate?: ((intent: IntentRecord, objects: readonly NewObject[]) => Promise<void>) | undefined;
  /** Told of every intent whose refs have moved, and of the span in which they have. */
  readonly committed: (intent: IntentRecord, span: Span) => void;
}

/** What a commit may bring besides its moves. */
export interface CommitExtras {
  /** Written with the watchlogs' own, before anything else. */
  readonly objects?: readonly NewObject[];
  /** The events stand in their watchlogs already: the commits are among the objects, the moves among the others. */
  readonly logged?: boolean;
  /** The span that it is traced in. */
  readonly span?: Span;
}

/** Errors of commits of which no ref has moved, and which the journal knows to be undone. */
const UNMOVED = new WeakSet<object>();

/** Whether the commit that threw this has left refs and journal in one state, so that nothing needs mending. */
export function leftRefsAlone(error: unknown): boolean {
  return typeof error === 'object' && error !== null && UNMOVED.has(error);
}

/** The error of a commit that a cluster has refused: no ref has moved, and none will. */
export function undecided(error: KvError): KvError {
  UNMOVED.add(error);
  return error;
}

/** Throws `NOT_LEADER` unless this process holds the lease now; gives its term. */
export async function requireLease(context: CommitContext): Promise<number> {
  const lease = context.lease();
  if (lease !== null && (await lease.held())) return lease.term;
  throw new KvError('NOT_LEADER', 'this Stargate does not hold the lease', {
    hint: 'push to the leader, which the status of the Stargate names',
    advice: { id: 'push-to-leader' },
  });
}

/**
 * Moves refs and appends to the watchlogs as one step that survives a crash: intent on disk, then one ref
 * transaction, then the outcome. The caller holds the commit lock. False when it has landed and the journal has no room to say so: that
 * is for recovery, before anything else is committed. What `confirm` throws, right before anything is written, ends it.
 */
export async function commitRefs(
  context: CommitContext,
  updates: readonly RefUpdate[],
  events: readonly WatchEvent[],
  confirm: () => void = () => undefined,
  { objects = [], logged = false, span = NO_SPAN }: CommitExtras = {},
): Promise<boolean> {
  const { store, journal, clock, failpoint } = context;
  const { replicate } = context;
  const logs = await watchlogs(context, logged ? [] : events);
  const all = [...updates, ...logs.updates];
  const made = [...objects, ...logs.commits];
  if (replicate === undefined && made.length > 0) await store.write(made);
  failpoint('after-objects');
  const term = await requireLease(context);
  confirmed(confirm);
  const now = formatTime(clock.now());
  const intent: IntentRecord = { kind: 'intent', id: newUlid(clock, context.randomness), term, ts: now, updates: all, events };
  failpoint('before-intent');
  if (replicate !== undefined) {
    await during(span.child('stargate.replicate'), () => replicate(intent, made));
    failpoint('after-refs');
    context.committed(intent, span);
    return true;
  }
  await during(span.child('stargate.journal'), () => journal.append(intent));
  failpoint('after-intent');
  try {
    await during(span.child('stargate.refs'), () => store.updateRefs(all, REASON));
  } catch (error) {
    const moved = await countMoved(store, all);
    if (moved === 0) {
      await journal.append({ kind: 'aborted', id: intent.id });
      if (typeof error === 'object' && error !== null) UNMOVED.add(error);
      throw error;
    }
    await completeUpdates(store, all); // the transaction broke in the middle: the intent is on disk, so it goes forward
  }
  failpoint('after-refs');
  const noted = await journal.append({ kind: 'done', id: intent.id }, { sync: false }).then(
    () => true, // losing it costs a look at the refs at the next start
    () => false, // the refs have moved: no fault of the disk makes that a refusal
  );
  failpoint('after-done');
  context.committed(intent, span);
  return noted;
}

function confirmed(confirm: () => void): void {
  try {
    confirm();
  } catch (error) {
    if (typeof error === 'object' && error !== null) UNMOVED.add(error);
    throw error;
  }
}

/** The events' commits, which are in no store yet, and the moves of the watchlog refs to them. */
async function watchlogs(
  { store, namer }: CommitContext,
  events: readonly WatchEvent[],
): Promise<{ readonly commits: readonly NewObject[]; readonly updates: readonly RefUpdate[] }> {
  const byRef = new Map<RefName, WatchEvent[]>();
  for (const event of events) {
    const ref = watchlogRef(event.ns, event.epoch);
    byRef.set(ref, [...(byRef.get(ref) ?? []), event]);
  }
  const tips = byRef.size === 0 ? new Map<RefName, Oid>() : await store.refs([...byRef.keys()]);
  const made: NewObject[] = [];
  const updates: RefUpdate[] = [];
  for (const [ref, list] of byRef) {
    const commits = appendEvents(namer, tips.get(ref) ?? null, list);
    made.push(...commits);
    updates.push({ ref, old: tips.get(ref) ?? null, next: commits[commits.length - 1]?.oid ?? null });
  }
  return { commits: made, updates };
}

/** How many of the updates the refs show already. */
export async function countMoved(store: GitStore, updates: readonly RefUpdate[]): Promise<number> {
  const refs = await store.refs(updates.map(({ ref }) => ref));
  return updates.filter(({ ref, next, old }) => next !== old && (refs.get(ref) ?? null) === next).length;
}

/** Moves those refs that are still at their old place. Throws `GIT_ERROR` when one is at neither end. */
export async function completeUpdates(store: GitStore, updates: readonly RefUpdate[]): Promise<void> {
  const refs = await store.refs(updates.map(({ ref }) => ref));
  const left: RefUpdate[] = [];
  for (const update of updates) {
    const at = refs.get(update.ref) ?? null;
    if (at === update.next) continue;
    if (at !== update.old)
      throw new KvError('GIT_ERROR', `${update.ref} is at ${at ?? 'nothing'}, neither before nor after its intent`);
    left.push(update);
  }
  if (left.length > 0) await store.updateRefs(left, REASON);
}
