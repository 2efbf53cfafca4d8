import { KvError } from '../../../ports/error.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { directionOf, trackedNames, trackingRequest, watchlogRef } from '../../ledger/refs.js';
import { decodeEvent } from '../../ledger/transaction/watchlog.js';
import { newestRef } from '../clone/chunks-tip.js';
import type { Clone } from '../clone/clone.js';
import type { Freshness } from '../remote/tip-for-reading.js';

const BATCH = 500;

/**
 * What the Stargate noted of an epoch's transactions: when it received each, and who had signed it. Read from the newest back, as
 * far as is asked for. The watchlog is fetched once, when what this clone has of it does not do, unless the read is offline.
 */
export class EpochEvents {
  private readonly seen = new Map<Oid, WatchEvent>();
  private source: AsyncGenerator<WatchEvent[]>;
  private fetched = false;

  constructor(
    private readonly clone: Clone,
    private readonly ns: string,
    private readonly epoch: string,
    private readonly freshness: Freshness,
  ) {
    this.source = this.read();
  }

  /** The events of ledger commits; undefined for one that nothing is known of, as in a ledger that no Stargate ever took. */
  async of(oids: readonly Oid[]): Promise<(WatchEvent | undefined)[]> {
    const known = (): boolean => oids.every((oid) => this.seen.has(oid));
    await this.readUntil(known);
    if (!known() && (await this.fetch())) await this.readUntil(known);
    return oids.map((oid) => this.seen.get(oid));
  }

  private async readUntil(enough: () => boolean): Promise<void> {
    while (!enough()) {
      const { value, done } = await this.source.next();
      if (done === true) return;
      for (const event of value) this.seen.set(event.oid, event);
    }
  }

  private async *read(): AsyncGenerator<WatchEvent[]> {
    const { store } = this.clone;
    const ref = watchlogRef(this.ns, this.epoch);
    const tip = await newestRef(this.clone, trackedNames(ref));
    if (tip === undefined) return;
    let oids: Oid[] = [];
    const open = async (): Promise<WatchEvent[]> => {
      const objects = await store.read(oids);
      return objects.map((object, i) => {
        const oid = oids[i] as Oid;
        return decodeEvent(decodeCommit(object?.body ?? new Uint8Array(0), oid, store.objectFormat).message, oid);
      });
    };
    for await (const oid of store.history({ tip })) {
      oids.push(oid);
      if (oids.length < BATCH) continue;
      yield await open();
      oids = [];
    }
    yield await open();
  }

  /** False when nothing could be fetched. */
  private async fetch(): Promise<boolean> {
    const { clone, freshness } = this;
    if (this.fetched || freshness.offline) return false;
    this.fetched = true;
    const direction = directionOf(freshness.readFrom);
    if ((await clone.remotes.url(clone.remoteName, direction)) === null) return false;
    const ref = watchlogRef(this.ns, this.epoch);
    try {
      await clone.remotes.fetch(clone.remoteName, direction, [trackingRequest(freshness.readFrom, ref)]);
    } catch (error) {
      // The ledger says what happened; who accepted it when is worth having, and not worth failing for.
      if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error;
      return false;
    }
    this.seen.clear();
    this.source = this.read();
    return true;
  }
}
