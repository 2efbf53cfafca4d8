import { KvError } from '../../../ports/error.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import type { Clone } from '../clone/clone.js';
import { type Epoch, EpochLogs, type EpochLogsOptions, type FeedPlace, type LoggedEvent } from './epoch-logs.js';
import { ledgerCommitHere } from './changed-keys.js';
import { isAhead, isBehind } from './lateness.js';
import { outOfReach } from './out-of-reach.js';

/** Watchlog commits of one epoch, oldest first. */
interface Run {
  readonly epoch: string;
  readonly commits: readonly Oid[];
}

/** So many times in a row must a source not show the way back before that is believed. */
const MISSES = 3;

/** What comes after a place in a namespace's feed, over any number of epochs. Throws `INTERRUPTED` when the signal fires. */
export class WatchlogSource {
  readonly logs: EpochLogs;
  /** Whether the source showed a ledger when it was last asked, and no watchlog beside it. */
  lacksWatchlog = false;
  private misses = 0;
  /** Epochs that lie before a place that was asked about. */
  private readonly earlier = new Set<string>();

  constructor(
    private readonly clone: Clone,
    private readonly options: EpochLogsOptions,
  ) {
    this.logs = new EpochLogs(clone, options);
  }

  /** The newest event; null when there is none. */
  async newest(): Promise<LoggedEvent | null> {
    const ledger = await this.logs.refresh(null);
    if (ledger === null) return null;
    // A mirror that takes refs one by one may show an epoch's ledger before its watchlog.
    for (const label of [ledger.trailers.epoch, ledger.trailers.parentEpoch]) {
      const tip = label === null ? undefined : await this.logs.fetchWatchlog(label);
      if (label !== null && tip !== undefined) return (await this.logs.open(label, [tip]))[0] ?? null;
    }
    return null;
  }

  /**
   * What comes after a place (null: all that can be had), oldest first; nothing while the source lags behind the place.
   * Throws `NOT_FOUND` when the place's epoch is out of reach, `ATTESTATION_MISMATCH` when its watchlog was rewritten.
   */
  async after(place: FeedPlace | null): Promise<Run[]> {
    const ledger = await this.logs.refresh(place?.epoch ?? null);
    if (ledger === null) return [];
    const current = ledger.trailers.epoch;
    if (current === place?.epoch) {
      const tip = await this.logs.watchlogTip(current);
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
    this.lacksWatchlog = oldest === undefined;
    if (met) {
      this.misses = 0;
      return this.runs(epochs, place);
    }
    if (oldest === undefined || this.earlier.has(current) || (await isBehind(this.logs, current, place as FeedPlace))) return [];
    // A mirror of several hosts may not show the same everywhere at once.
    if (this.options.patient && ++this.misses < MISSES) return [];
    throw outOfReach(
      `the watchlog of namespace ${this.options.ns} no longer has epoch ${(place as FeedPlace).epoch}, to go on from`,
      await this.logs.first(oldest),
    );
  }

  /** The place after a ledger commit's event. Throws `NOT_FOUND` naming the oldest that can be had; null when the source lags behind it. */
  async find(oid: Oid): Promise<FeedPlace | null> {
    const ledger = await this.logs.refresh(null);
    const newest = new Map<string, WatchEvent>();
    let oldest: Epoch | undefined;
    if (ledger !== null) {
      for await (const epoch of this.epochsBack(ledger.trailers.epoch)) {
        oldest = epoch;
        for await (const { place, event } of this.logs.newestFirst(epoch)) {
          if (event.oid === oid) return place;
          if (!newest.has(epoch.label)) newest.set(epoch.label, event);
        }
      }
    }
    if (await isAhead(this.logs, oid, newest, oldest)) return null;
    const what = `the watchlog of namespace ${this.options.ns} has no event of ledger commit ${oid}`;
    throw outOfReach(what, oldest === undefined ? null : await this.logs.first(oldest));
  }

  /** Epochs from the one named back to the first, or to the first whose watchlog the source hasn't got. */
  private async *epochsBack(from: string): AsyncGenerator<Epoch> {
    const seen = new Set<string>();
    for (let label: string | null = from; label !== null; ) {
      if (seen.has(label))
        throw new KvError('ATTESTATION_MISMATCH', `the epochs of ${this.options.ns} go in a circle at ${label}`);
      seen.add(label);
      const tip = await this.logs.fetchWatchlog(label);
      if (tip === undefined) return;
      const epoch: Epoch = { label, tip };
      yield epoch;
      label = (await this.logs.first(epoch)).parentEpoch;
    }
  }

  private async runs(epochs: readonly Epoch[], place: FeedPlace | null): Promise<Run[]> {
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
    const { oid } = await this.logs.first({ label: next, tip: nextTip });
    if ((await ledgerCommitHere(this.clone, oid)) === undefined) await this.logs.fetchLedger(next);
    const root = await ledgerCommitHere(this.clone, oid);
    const [last] = await this.logs.open(epoch.label, [epoch.tip]);
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
        hint: "a watchlog only grows: ask who wrote to the mirror, and compare with the Stargate's",
        advice: { id: 'compare-watchlog' },
      },
    );
  }
}
