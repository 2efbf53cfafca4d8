import type { Clock, Randomness } from '../../ports/clock.js';
import { KvError, toKvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { IntentRecord, Journal } from '../../ports/journal.js';
import type { MirrorTarget, MirrorUpdate } from '../../ports/mirror-target.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { formatTime } from '../metadata.js';
import { classifyRef, indexRef, ledgerRef, mirrorRef } from '../refs.js';
import { REASON } from './commit-refs.js';

/** What `status`, the metrics and the log are told. */
export interface MirrorObserver {
  enqueued(backlog: number): void;
  /** `lagMs`: from the oldest accepted transaction of the batch to now; `tookMs`: the push itself. */
  succeeded(outcome: {
    readonly transactions: number;
    readonly backlog: number;
    readonly lagMs: number;
    readonly tookMs: number;
  }): void;
  failed(error: KvError, backlog: number, retryInMs: number): void;
}

export interface MirrorContext {
  readonly store: GitStore;
  readonly journal: Journal;
  readonly target: MirrorTarget;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly observer: MirrorObserver;
}

export interface MirrorStatus {
  readonly backlog: number;
  readonly lastSuccess: string | null;
  readonly lastError: { readonly at: string; readonly code: string; readonly message: string } | null;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** Somebody else's writes don't go away by asking again soon. */
const DIVERGED_RETRY_MS = 10_000;

/**
 * Drains the journal to the read host: everything that waits goes in one push, with the watermarks of the namespaces it
 * concerns, until the push succeeds. One runs at a time, in the leader.
 */
export class MirrorWorker {
  private queue: IntentRecord[] = [];
  private wake: () => void = () => undefined;
  private lastSuccess: string | null = null;
  private lastError: MirrorStatus['lastError'] = null;
  private failures = 0;

  constructor(private readonly context: MirrorContext) {}

  enqueue(intents: readonly IntentRecord[]): void {
    if (intents.length === 0) return;
    this.queue.push(...intents);
    this.context.observer.enqueued(this.queue.length);
    this.wake();
  }

  status(): MirrorStatus {
    return { backlog: this.queue.length, lastSuccess: this.lastSuccess, lastError: this.lastError };
  }

  /** Runs until the signal fires; never rejects. What is left in the queue is in the journal. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) {
      if (this.queue.length === 0) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
          if (this.queue.length > 0 || signal.aborted) resolve();
        });
        continue;
      }
      const delay = await this.attempt(signal);
      if (delay > 0 && !signal.aborted) await this.pause(delay, signal);
    }
  }

  /** One push of all that waits; gives how long to wait before the next, ms. */
  private async attempt(signal: AbortSignal): Promise<number> {
    const { clock, observer, store, journal } = this.context;
    const batch = [...this.queue];
    const started = clock.now();
    try {
      const { updates, watermarks } = await planPush(store, batch);
      await this.push(updates, signal);
      await moveWatermarks(store, watermarks);
      const last = batch[batch.length - 1] as IntentRecord;
      await journal.append({ kind: 'mirrored', id: last.id, ts: formatTime(clock.now()) }, { sync: false });
      this.queue.splice(0, batch.length);
      this.failures = 0;
      this.lastSuccess = formatTime(clock.now());
      this.lastError = null;
      const lagMs = clock.now() - Date.parse((batch[0] as IntentRecord).ts);
      observer.succeeded({ transactions: batch.length, backlog: this.queue.length, lagMs, tookMs: clock.now() - started });
      return 0;
    } catch (thrown) {
      if (signal.aborted) return 0; // stopping: the journal keeps what was not pushed
      const error = toKvError(thrown);
      const delay = this.backOff(error);
      this.lastError = { at: formatTime(clock.now()), code: error.code, message: error.message };
      observer.failed(error, this.queue.length, delay);
      return delay;
    }
  }

  /** A push that had landed when the process died is refused the second time, if it went by lease: then the mirror is asked. */
  private async push(updates: readonly MirrorUpdate[], signal: AbortSignal): Promise<void> {
    const { target } = this.context;
    try {
      await target.push(updates, signal);
    } catch (error) {
      const leased = updates.some(({ expected }) => expected !== undefined);
      if (!leased || !KvError.is(error) || error.code !== 'SYNC_REFUSED') throw error;
      const there = await target.refs(updates.map(({ ref }) => ref));
      if (updates.some(({ ref, next }) => (there.get(ref) ?? null) !== next)) throw error;
    }
  }

  private backOff(error: KvError): number {
    const asked = error.details?.['retryAfterMs'];
    if (typeof asked === 'number' && asked > 0) return asked;
    if (error.code === 'SYNC_REFUSED') return DIVERGED_RETRY_MS;
    const base = Math.min(FIRST_RETRY_MS * 2 ** this.failures++, LAST_RETRY_MS);
    const jitter = (this.context.randomness.bytes(1)[0] as number) / 255;
    return Math.round(base * (0.5 + jitter / 2));
  }

  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.context.clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error; // woken up to stop, which the loop sees by itself
    }
  }
}

/** What brings the mirror to where the refs of these intents are now, and the watermarks that say so. */
async function planPush(
  store: GitStore,
  batch: readonly IntentRecord[],
): Promise<{ updates: MirrorUpdate[]; watermarks: RefUpdate[] }> {
  const touched = new Set(batch.flatMap(({ updates }) => updates.map(({ ref }) => ref)));
  const namespaces = new Set<string>();
  for (const ref of touched) {
    const found = classifyRef(ref);
    if (found.kind === 'ledger') namespaces.add(found.ns);
  }
  const marks = [...namespaces].map((ns) => mirrorRef(ns));
  const refs = await store.refs([...touched, ...marks]);
  const turned = rolledOver(batch);
  const updates: MirrorUpdate[] = [...touched].map((ref) => {
    const next = refs.get(ref) ?? null;
    const expected = turned.get(ref);
    return expected === undefined ? { ref, next } : { ref, next, expected };
  });
  const watermarks: RefUpdate[] = [];
  for (const ns of namespaces) {
    const next = refs.get(ledgerRef(ns)) as Oid;
    const ref: RefName = mirrorRef(ns);
    const old = refs.get(ref) ?? null;
    updates.push(turned.has(ledgerRef(ns)) ? { ref, next, expected: old } : { ref, next });
    if (old !== next) watermarks.push({ ref, old, next });
  }
  return { updates, watermarks };
}

/**
 * The refs that a new epoch has put onto a commit that doesn't follow from the one before: the mirror takes those by lease, from
 * where the batch's first intent found them, which is where the last confirmed push has left the mirror.
 */
function rolledOver(batch: readonly IntentRecord[]): Map<RefName, Oid | null> {
  const refs = new Set<RefName>();
  for (const { updates } of batch) {
    for (const { ref, old } of updates) {
      const found = classifyRef(ref);
      if (found.kind !== 'epoch' || old === null) continue;
      for (const moved of [ledgerRef(found.ns), indexRef(found.ns), ref]) refs.add(moved);
    }
  }
  const first = new Map<RefName, Oid | null>();
  for (const { updates } of batch) for (const { ref, old } of updates) if (refs.has(ref) && !first.has(ref)) first.set(ref, old);
  return first;
}

/** The Stargate's own copy of the watermarks: what it knows to be confirmed. */
async function moveWatermarks(store: GitStore, watermarks: readonly RefUpdate[]): Promise<void> {
  if (watermarks.length > 0) await store.updateRefs(watermarks, REASON);
}
