import { KvError } from '../../../ports/error.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import type { Clone } from '../clone/clone.js';
import type { FeedPlace } from './epoch-logs.js';
import { notSetUp } from '../remote/no-remote.js';
import type { ReadFrom } from '../clone/tips.js';
import type { ConnectionNotice } from './connection.js';
import { type ChangedKeys, changedKeys, ledgerCommitHere, NO_KEYS } from './changed-keys.js';
import { WatchlogSource } from './source.js';

export type { ChangedKeys } from './changed-keys.js';

/** Stands for the place before the oldest event that can be had. */
export const OLDEST = 'oldest';

/** What is watched, from where on, and when it ends. */
export interface WatchRequest {
  readonly ns: string;
  readonly readFrom: ReadFrom;
  /** The ledger commit of the event to go on after, or `oldest`. Absent: only what comes from now on. */
  readonly since?: Oid | typeof OLDEST;
  /** Only events that changed a key which starts with this, and of these only such keys. */
  readonly prefix?: string;
  /** Ends after this many events. */
  readonly limit?: number;
  /** Ends after what is there now, instead of waiting for more. */
  readonly once?: boolean;
  /** How long to wait after events before asking again, ms; idle, it grows to 2 s (or stays, when it is longer). Default 250. */
  readonly intervalMs?: number;
  /** Ends the feed without an error. */
  readonly signal?: AbortSignal;
  readonly notify?: (notice: WatchNotice) => void;
}

/** One accepted transaction. */
export interface WatchedEvent extends WatchEvent {
  /** The keys behind the counts; null when the ledger commit can't be had any more. A new epoch's first event has none. */
  readonly keys: ChangedKeys | null;
}

/** What a watch tells besides its events. */
export type WatchNotice =
  | ConnectionNotice
  /** The feed is open. */
  | { readonly kind: 'started'; readonly resumeFrom: Oid | typeof OLDEST }
  /** There is a ledger at the source, and no watchlog beside it: no event can come from there. */
  | { readonly kind: 'no-watchlog'; readonly waits: boolean }
  /** `since` is known here, but the source doesn't show it yet: waiting for it, unless the watch is to end with what is there. */
  | { readonly kind: 'behind'; readonly since: Oid; readonly waits: boolean };

const FIRST_POLL_MS = 250;
const LAST_POLL_MS = 2000;
const BATCH = 200;

/**
 * The feed of a namespace's accepted transactions, in the order in which they were accepted, each once, over any number of epochs.
 * Iterate it once: `for await (const event of new Watch(clone, request))`. Throws `NOT_FOUND` for a `since` that can't be had,
 * `CONFIG_INVALID` without a remote; a connection that is lost after the start is tried again until it is back.
 */
export class Watch implements AsyncIterable<WatchedEvent> {
  /** What `since` must be to go on after the events handed out so far (and after those that `prefix` left out before them). */
  resumeFrom: Oid | typeof OLDEST;
  private readonly source: WatchlogSource;
  private place: FeedPlace | null = null;
  /** Epochs whose ledger commits were asked for and did not come. */
  private readonly without = new Set<string>();

  constructor(
    private readonly clone: Clone,
    private readonly request: WatchRequest,
  ) {
    const { ns, readFrom, signal, once } = request;
    this.resumeFrom = request.since ?? OLDEST;
    const notify = (notice: WatchNotice): void => request.notify?.(notice);
    this.source = new WatchlogSource(clone, { ns, readFrom, signal, notify, patient: once !== true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchedEvent, void> {
    try {
      yield* this.events();
    } catch (error) {
      // What was under way when the signal fired fails in its own ways.
      if (this.request.signal?.aborted !== true) throw error;
    }
  }

  private async *events(): AsyncGenerator<WatchedEvent, void> {
    const { clone, request } = this;
    const { limit = Infinity, once = false } = request;
    const intervalMs = Math.max(request.intervalMs ?? FIRST_POLL_MS, 1);
    await this.checkRemote();
    if (!(await this.start(intervalMs))) return;
    request.notify?.({ kind: 'started', resumeFrom: this.resumeFrom });
    let left = limit;
    let told = false;
    for (let pause = intervalMs; ; ) {
      const before = this.place;
      for await (const event of this.pending()) {
        yield event;
        if (--left <= 0) return;
      }
      if (this.place === null && this.source.lacksWatchlog && !told) {
        request.notify?.({ kind: 'no-watchlog', waits: !once });
        told = true;
      }
      if (once) return;
      pause = this.place === before ? longer(pause, intervalMs) : intervalMs;
      await clone.clock.sleep(pause, request.signal);
    }
  }

  /** Finds where to begin; false when there is nothing to wait for. */
  private async start(intervalMs: number): Promise<boolean> {
    const { since, once, notify, signal } = this.request;
    if (since === OLDEST) return true;
    if (since === undefined) {
      const newest = await this.source.newest();
      this.place = newest?.place ?? null;
      this.resumeFrom = newest?.event.oid ?? OLDEST;
      return true;
    }
    for (let pause = intervalMs, waiting = false; ; pause = longer(pause, intervalMs)) {
      this.place = await this.source.find(since);
      if (this.place !== null) return true;
      if (!waiting) notify?.({ kind: 'behind', since, waits: once !== true });
      if (once) return false;
      waiting = true;
      await this.clone.clock.sleep(pause, signal);
    }
  }

  /** What has come since the last time and isn't left out. */
  private async *pending(): AsyncGenerator<WatchedEvent> {
    const { prefix = '', signal } = this.request;
    this.without.clear();
    for (const { epoch, commits } of await this.source.after(this.place)) {
      for (let at = 0; at < commits.length; at += BATCH) {
        for (const { place, event } of await this.source.logs.open(epoch, commits.slice(at, at + BATCH))) {
          if (signal?.aborted === true) return;
          const keys = withPrefix(await this.keysOf(event), prefix);
          this.place = place;
          this.resumeFrom = event.oid;
          if (keys === null || prefix === '' || keys.set.length + keys.del.length > 0) yield { ...event, keys };
        }
      }
    }
  }

  private async keysOf(event: WatchEvent): Promise<ChangedKeys | null> {
    if (event.parentEpoch !== null) return NO_KEYS;
    let ledger = await ledgerCommitHere(this.clone, event.oid);
    if (ledger === undefined && !this.without.has(event.epoch)) {
      await this.source.logs.fetchLedger(event.epoch);
      ledger = await ledgerCommitHere(this.clone, event.oid);
      if (ledger === undefined) this.without.add(event.epoch);
    }
    return ledger === undefined ? null : changedKeys(this.clone, event.ns, ledger);
  }

  private async checkRemote(): Promise<void> {
    const { remoteName: remote, remotes } = this.clone;
    const fromMirror = this.request.readFrom === 'mirror';
    if ((await remotes.url(remote, fromMirror ? 'read' : 'write')) !== null) return;
    if (!fromMirror) throw notSetUp(remote);
    throw new KvError('CONFIG_INVALID', `there is no remote ${remote}, and so no watchlog to read`, {
      hint: `add the mirror with git remote add ${remote} URL, then set the remote up`,
      advice: { id: 'set-up-mirror', remote },
    });
  }
}

const longer = (pause: number, intervalMs: number): number => Math.min(pause * 1.5, Math.max(LAST_POLL_MS, intervalMs));

function withPrefix(keys: ChangedKeys | null, prefix: string): ChangedKeys | null {
  if (keys === null || prefix === '') return keys;
  const matching = (key: string): boolean => key.startsWith(prefix);
  return { set: keys.set.filter(matching), del: keys.del.filter(matching) };
}
