import type { FetchRequest } from '../../ports/git-transport.js';
import { KvError } from '../../ports/error.js';
import type { Oid, WatchEvent } from '../../ports/vocabulary.js';
import { decodeCommit } from '../commit.js';
import { archiveRef, compactedRef, ledgerRef, trackingRef, watchlogRef, watchTrackingRef } from '../refs.js';
import { decodeEvent } from '../watchlog.js';
import type { Clone } from './clone.js';
import { archiveRequest, type LedgerCommit, readLedgerCommits } from './tips.js';
import { WatchConnection, type WatchConnectionOptions } from './watch-connection.js';
import { ledgerCommitHere } from './watch-keys.js';
import { outOfReach } from './watch-out-of-reach.js';

/** A place in a namespace's feed: after the event of this watchlog commit. */
export interface Place {
  readonly epoch: string;
  readonly commit: Oid;
}

/** An event and the watchlog commit that holds it. */
export interface LoggedEvent {
  readonly place: Place;
  readonly event: WatchEvent;
}

/** Watchlog commits of one epoch, oldest first. */
export interface Run {
  readonly epoch: string;
  readonly commits: readonly Oid[];
}

export interface WatchlogSourceOptions extends WatchConnectionOptions {
  readonly ns: string;
}

interface Epoch {
  readonly label: string;
  readonly tip: Oid;
}

const BATCH = 500;
/** So many characters of a ULID are its time. */
const ULID_TIME = 10;
/** So many times in a row must a source not show the way back before that is believed. */
const MISSES = 3;

/** The watchlogs of a namespace as one side shows them, brought here as they are asked for. Throws `INTERRUPTED` when the signal fires. */
export class WatchlogSource {
  private readonly connection: WatchConnection;
  private misses = 0;
  /** Epochs that lie before a place that was asked about. */
  private readonly earlier = new Set<string>();

  constructor(
    private readonly clone: Clone,
    private readonly options: WatchlogSourceOptions,
  ) {
    this.connection = new WatchConnection(clone, options);
  }

  /** The newest event; null when there is none. */
  async newest(): Promise<LoggedEvent | null> {
    const ledger = await this.refresh(null);
    if (ledger === null) return null;
    // A mirror that takes refs one by one may show an epoch's ledger before its watchlog.
    for (const label of [ledger.trailers.epoch, ledger.trailers.parentEpoch]) {
      const tip = label === null ? undefined : await this.fetchWatchlog(label);
      if (label !== null && tip !== undefined) return (await this.open(label, [tip]))[0] ?? null;
    }
    return null;
  }

  /**
   * What comes after a place (null: all that can be had), oldest first; nothing while the source lags behind the place.
   * Throws `NOT_FOUND` when the place's epoch is out of reach, `ATTESTATION_MISMATCH` when its watchlog was rewritten.
   */
  async after(place: Place | null): Promise<Run[]> {
    const ledger = await this.refresh(place?.epoch ?? null);
    if (ledger === null) return [];
    const current = ledger.trailers.epoch;
    if (current === place?.epoch) {
      const tip = await this.watchlogTip(current);
      return tip === undefined ? [] : this.runs([{ label: current, tip }], place);
    }
    const epochs: Epoch[] = [];
    let met = place === null;
    // An epoch ends before the next begins: what is fetched of it after the next was seen is all of it.
    for await (const epoch of this.epochsBack(current)) {
      epochs.unshift(epoch);
      met ||= epoch.label === place?.epoch;
      if (epoch.label === place?.epoch) break;
    }
    const [oldest] = epochs;
    if (met) {
      this.misses = 0;
      return this.runs(epochs, place);
    }
    if (oldest === undefined || (await this.isBehind(current, place as Place))) return [];
    // A mirror of several hosts may not show the same everywhere at once.
    if (this.options.patient && ++this.misses < MISSES) return [];
    throw outOfReach(
      `the watchlog of namespace ${this.options.ns} no longer has epoch ${(place as Place).epoch}, to go on from`,
      await this.first(oldest),
    );
  }

  /** The place after a ledger commit's event. Throws `NOT_FOUND` naming the oldest that can be had; null when the source lags behind it. */
  async find(oid: Oid): Promise<Place | null> {
    const ledger = await this.refresh(null);
    const newest = new Map<string, WatchEvent>();
    let oldest: Epoch | undefined;
    if (ledger !== null) {
      for await (const epoch of this.epochsBack(ledger.trailers.epoch)) {
        oldest = epoch;
        for await (const { place, event } of this.newestFirst(epoch)) {
          if (event.oid === oid) return place;
          if (!newest.has(epoch.label)) newest.set(epoch.label, event);
        }
      }
    }
    if (await this.isAhead(oid, newest, oldest)) return null;
    const what = `the watchlog of namespace ${this.options.ns} has no event of ledger commit ${oid}`;
    throw outOfReach(what, oldest === undefined ? null : await this.first(oldest));
  }

  /** Opens watchlog commits. Throws `ATTESTATION_MISMATCH` when one is of another ledger. */
  async open(epoch: string, commits: readonly Oid[]): Promise<LoggedEvent[]> {
    const { store } = this.clone;
    const objects = await store.read(commits);
    return commits.map((commit, i) => {
      const body = objects[i]?.body;
      if (body === undefined)
        throw new KvError('GIT_ERROR', `watchlog commit ${commit} is missing`, { hint: 'run git fsck in this clone' });
      const event = decodeEvent(decodeCommit(body, commit, store.objectFormat).message, commit);
      if (event.ns !== this.options.ns || event.epoch !== epoch)
        throw new KvError(
          'ATTESTATION_MISMATCH',
          `watchlog commit ${commit} of ${this.options.ns}@${epoch} is of ${event.ns}@${event.epoch}`,
        );
      return { place: { epoch, commit }, event };
    });
  }

  /** Brings the ledger commits of an epoch, be it the current or a past one. */
  async fetchLedger(epoch: string): Promise<void> {
    const archive = archiveRef(this.options.ns, epoch);
    await this.fetch([this.ledgerRequest(), { remoteRef: archive, localRef: trackingRef(this.options.readFrom, archive) }]);
  }

  /** Fetches the ledger, and an epoch's watchlog in the same connection; gives the ledger's tip, null when there is none. */
  private async refresh(epoch: string | null): Promise<LedgerCommit | null> {
    const ledger = this.ledgerRequest();
    const { ns, readFrom } = this.options;
    await this.fetch(epoch === null ? [ledger] : [ledger, this.watchlogRequest(epoch), archiveRequest(readFrom, ns, epoch)]);
    const tip = (await this.clone.store.refs([ledger.localRef])).get(ledger.localRef);
    return tip === undefined ? null : ((await readLedgerCommits(this.clone, [tip]))[0] ?? null);
  }

  /** Epochs from the one named back to the first, or to the first whose watchlog the source hasn't got. */
  private async *epochsBack(from: string): AsyncGenerator<Epoch> {
    const seen = new Set<string>();
    for (let label: string | null = from; label !== null; ) {
      if (seen.has(label))
        throw new KvError('ATTESTATION_MISMATCH', `the epochs of ${this.options.ns} go in a circle at ${label}`);
      seen.add(label);
      const tip = await this.fetchWatchlog(label);
      if (tip === undefined) return;
      const epoch: Epoch = { label, tip };
      yield epoch;
      label = (await this.first(epoch)).parentEpoch;
    }
  }

  private async runs(epochs: readonly Epoch[], place: Place | null): Promise<Run[]> {
    const runs: Run[] = [];
    for (const [i, { label, tip }] of epochs.entries()) {
      const before = epochs[i - 1];
      if (before !== undefined && !(await this.isWhole(before, label, tip))) break;
      if (before !== undefined) this.earlier.add(before.label);
      const exclude = label === place?.epoch ? place.commit : undefined;
      const commits: Oid[] = [];
      for await (const oid of this.clone.store.history({ tip, ...(exclude === undefined ? {} : { exclude }) })) commits.push(oid);
      commits.reverse();
      if (exclude !== undefined && commits[0] !== undefined) await this.checkGoesOn(label, exclude, commits[0]);
      if (commits.length > 0) runs.push({ epoch: label, commits });
    }
    return runs;
  }

  /** Whether an epoch's watchlog ends with the ledger commit that the next epoch says it follows; taken for granted when that can't be had. */
  private async isWhole(epoch: Epoch, next: string, nextTip: Oid): Promise<boolean> {
    const { oid } = await this.first({ label: next, tip: nextTip });
    if ((await ledgerCommitHere(this.clone, oid)) === undefined) await this.fetchLedger(next);
    const root = await ledgerCommitHere(this.clone, oid);
    const [last] = await this.open(epoch.label, [epoch.tip]);
    return root === undefined || root.trailers.parentLedger === last?.event.oid;
  }

  private async checkGoesOn(label: string, from: Oid, next: Oid): Promise<void> {
    const [object] = await this.clone.store.read([next]);
    const commit = decodeCommit(object?.body ?? new Uint8Array(0), next, this.clone.store.objectFormat);
    if (commit.parents[0] === from) return;
    throw new KvError(
      'ATTESTATION_MISMATCH',
      `the watchlog of ${this.options.ns}@${label} was rewritten: it does not go on from ${from}`,
      {
        hint: 'a watchlog only grows: ask who wrote to the mirror, and compare with --read-from=stargate',
      },
    );
  }

  /** Whether the source still shows an epoch that lies before the place: a mirror of several hosts, or one that was restored. */
  private async isBehind(current: string, place: Place): Promise<boolean> {
    if (this.earlier.has(current) || (await this.first({ label: place.epoch, tip: place.commit })).parentEpoch === current)
      return true;
    const tip = await this.watchlogTip(current);
    if (tip === undefined) return false;
    const [[shown], [at]] = [await this.open(current, [tip]), await this.open(place.epoch, [place.commit])];
    return shown !== undefined && at !== undefined && at.event.received > shown.event.received;
  }

  /** Whether a ledger commit is known here and follows from what the source shows: the newest event of each epoch. */
  private async isAhead(oid: Oid, newest: ReadonlyMap<string, WatchEvent>, oldest: Epoch | undefined): Promise<boolean> {
    const known = await this.knownLedger(oid);
    if (known === undefined || oldest === undefined) return known !== undefined;
    const { epoch, parentEpoch, txn } = known.trailers;
    const own = newest.get(epoch);
    if (own !== undefined) return this.clone.store.isAncestor(own.oid, oid);
    if (parentEpoch !== null && newest.has(parentEpoch)) return true;
    // Epochs lie between them that neither side has here: it comes after all that is shown, or before and is gone.
    const first = await this.first(oldest);
    if (epoch === first.parentEpoch || (await this.isCompacted(epoch))) return false;
    return txn.slice(0, ULID_TIME) > first.txn.slice(0, ULID_TIME);
  }

  private async isCompacted(epoch: string): Promise<boolean> {
    const remoteRef = compactedRef(this.options.ns, epoch);
    const localRef = trackingRef(this.options.readFrom, remoteRef);
    await this.fetch([{ remoteRef, localRef }]);
    return (await this.clone.store.refs([localRef])).has(localRef);
  }

  /** A ledger commit of the namespace that this clone has; undefined when there is none, or the object is something else. */
  private async knownLedger(oid: Oid): Promise<LedgerCommit | undefined> {
    try {
      const commit = await ledgerCommitHere(this.clone, oid);
      return commit?.trailers.ns === this.options.ns ? commit : undefined;
    } catch (error) {
      if (KvError.is(error) && error.code === 'ATTESTATION_MISMATCH') return undefined; // an ordinary commit, a blob
      throw error;
    }
  }

  /** The first event of an epoch. */
  private async first({ label, tip }: Epoch): Promise<WatchEvent> {
    let root = tip;
    for await (const oid of this.clone.store.history({ tip })) root = oid;
    return ((await this.open(label, [root]))[0] as LoggedEvent).event;
  }

  private async *newestFirst({ label, tip }: Epoch): AsyncGenerator<LoggedEvent> {
    let batch: Oid[] = [];
    for await (const oid of this.clone.store.history({ tip })) {
      batch.push(oid);
      if (batch.length < BATCH) continue;
      yield* await this.open(label, batch);
      batch = [];
    }
    yield* await this.open(label, batch);
  }

  private async fetchWatchlog(epoch: string): Promise<Oid | undefined> {
    await this.fetch([this.watchlogRequest(epoch)]);
    return this.watchlogTip(epoch);
  }

  private async watchlogTip(epoch: string): Promise<Oid | undefined> {
    const { localRef } = this.watchlogRequest(epoch);
    return (await this.clone.store.refs([localRef])).get(localRef);
  }

  private watchlogRequest(epoch: string): FetchRequest {
    const ref = watchlogRef(this.options.ns, epoch);
    return { remoteRef: ref, localRef: trackingRef(this.options.readFrom, ref) };
  }

  private ledgerRequest(): FetchRequest {
    const { ns, readFrom } = this.options;
    return { remoteRef: ledgerRef(ns), localRef: watchTrackingRef(readFrom, ns) };
  }

  private fetch(requests: readonly FetchRequest[]): Promise<void> {
    return this.connection.fetch(requests);
  }
}
