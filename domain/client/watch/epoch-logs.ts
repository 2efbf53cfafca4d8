import type { FetchRequest } from '../../../ports/git/git-remote.js';
import { KvError } from '../../../ports/error.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import {
  archiveRef,
  compactedRef,
  ledgerRef,
  POLICY_REF,
  trackingRef,
  trackingRequest,
  watchlogRef,
  watchTrackingRef,
} from '../../ledger/refs.js';
import { decodeEvent } from '../../ledger/transaction/watchlog.js';
import type { Clone } from '../clone/clone.js';
import { foreignTip } from '../clone/foreign-tip.js';
import { archiveRequest } from '../remote/fetch-namespace.js';
import { type LedgerCommit, openTip } from '../clone/tips.js';
import { MIRROR_POLICY_REF, tellRefusal } from '../clone/mirror-notice.js';
import { WatchConnection, type WatchConnectionOptions } from './connection.js';

/** A place in a namespace's feed: after the event of this watchlog commit. */
export interface FeedPlace {
  readonly epoch: string;
  readonly commit: Oid;
}

/** An event and the watchlog commit that holds it. */
export interface LoggedEvent {
  readonly place: FeedPlace;
  readonly event: WatchEvent;
}

/** Which namespace's watchlogs are read, over which connection. */
export interface EpochLogsOptions extends WatchConnectionOptions {
  readonly ns: string;
}

/** An epoch and its watchlog's tip. */
export interface Epoch {
  readonly label: string;
  readonly tip: Oid;
}

const BATCH = 500;

/** The watchlogs of a namespace, epoch by epoch, as one side shows them. Throws `INTERRUPTED` when the signal fires. */
export class EpochLogs {
  private readonly connection: WatchConnection;
  /** The policy that was looked into last for what it says of the mirror. */
  private published: Oid | undefined;
  private readonly firsts = new Map<string, { readonly tip: Oid; readonly event: WatchEvent }>();

  constructor(
    readonly clone: Clone,
    readonly options: EpochLogsOptions,
  ) {
    this.connection = new WatchConnection(clone, options);
  }

  /**
   * Fetches the ledger, and an epoch's watchlog in the same connection; gives the ledger's tip, null when there is none. Throws
   * `ATTESTATION_MISMATCH` for a tip that is no ledger commit.
   */
  async refresh(epoch: string | null): Promise<LedgerCommit | null> {
    const ledger = this.ledgerRequest();
    const { ns, readFrom } = this.options;
    const policy = readFrom === 'mirror' ? [trackingRequest(readFrom, POLICY_REF)] : [];
    const logs = epoch === null ? [] : [this.watchlogRequest(epoch), archiveRequest(readFrom, ns, epoch)];
    await this.fetch([ledger, ...policy, ...logs]);
    const refs = await this.clone.store.refs([ledger, ...policy].map(({ localRef }) => localRef));
    const tip = refs.get(ledger.localRef);
    const published = refs.get(MIRROR_POLICY_REF);
    if (policy.length > 0 && published !== undefined && published !== this.published) {
      this.published = published;
      await tellRefusal(this.clone, ns, published);
    }
    if (tip === undefined) return null;
    const [object] = await this.clone.store.read([tip]);
    const opened = openTip(this.clone, ns, tip, object ?? null);
    if (typeof opened !== 'string') return opened;
    throw foreignTip({ from: readFrom, ref: ledgerRef(ns), oid: tip, why: opened }, ledger.localRef);
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

  /** The first event of an epoch. It is asked for at every poll, and is the whole watchlog away. */
  async first({ label, tip }: Epoch): Promise<WatchEvent> {
    const known = this.firsts.get(label);
    if (known?.tip === tip) return known.event;
    let root = tip;
    for await (const oid of this.clone.store.history({ tip })) root = oid;
    const { event } = (await this.open(label, [root]))[0] as LoggedEvent;
    this.firsts.set(label, { tip, event });
    return event;
  }

  /** Brings the ledger commits of an epoch, be it the current or a past one. */
  async fetchLedger(epoch: string): Promise<void> {
    const archive = archiveRef(this.options.ns, epoch);
    await this.fetch([this.ledgerRequest(), trackingRequest(this.options.readFrom, archive)]);
  }

  /** Whether the source says that an epoch was compacted away. */
  async isCompacted(epoch: string): Promise<boolean> {
    const remoteRef = compactedRef(this.options.ns, epoch);
    const localRef = trackingRef(this.options.readFrom, remoteRef);
    await this.fetch([{ remoteRef, localRef, seldom: true }]);
    return (await this.clone.store.refs([localRef])).has(localRef);
  }

  /** The events of an epoch, newest first. */
  async *newestFirst({ label, tip }: Epoch): AsyncGenerator<LoggedEvent> {
    let batch: Oid[] = [];
    for await (const oid of this.clone.store.history({ tip })) {
      batch.push(oid);
      if (batch.length < BATCH) continue;
      yield* await this.open(label, batch);
      batch = [];
    }
    yield* await this.open(label, batch);
  }

  /** Brings an epoch's watchlog; undefined when the source has none. */
  async fetchWatchlog(epoch: string): Promise<Oid | undefined> {
    await this.fetch([this.watchlogRequest(epoch)]);
    return this.watchlogTip(epoch);
  }

  /** The tip of an epoch's watchlog as it was last fetched. */
  async watchlogTip(epoch: string): Promise<Oid | undefined> {
    const { localRef } = this.watchlogRequest(epoch);
    return (await this.clone.store.refs([localRef])).get(localRef);
  }

  private watchlogRequest(epoch: string): FetchRequest {
    const ref = watchlogRef(this.options.ns, epoch);
    return trackingRequest(this.options.readFrom, ref);
  }

  private ledgerRequest(): FetchRequest {
    const { ns, readFrom } = this.options;
    return { remoteRef: ledgerRef(ns), localRef: watchTrackingRef(readFrom, ns) };
  }

  private fetch(requests: readonly FetchRequest[]): Promise<void> {
    return this.connection.fetch(requests);
  }
}
