import type { Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import { decodeLoose } from '../../git/bytes.js';
import { commitBatches } from '../../git/commit-batches.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { classifyRef, ledgerRef } from '../../ledger/refs.js';
import { ulidTime } from '../../ledger/ulid.js';
import { UlidSet } from './ulid-set.js';

/** Where a namespace's ledger moves, and from where. */
interface LedgerMove {
  readonly ns: string;
  readonly old: Oid | null;
  readonly next: Oid;
}

/** The ids that an epoch has, up to one of its ledger commits. */
interface KnownEpoch {
  readonly tip: Oid;
  readonly ids: UlidSet;
}

const TXN = /\nKV-Txn: ([0-7][0-9A-HJKMNP-TV-Z]{25})\n/;
const PARENT = /^tree [0-9a-f]+\nparent ([0-9a-f]+)\n/;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Before there was any git-kv: a clock that was never set. */
const EARLIEST = Date.UTC(2020, 0, 1);

/** The moves of ledgers among the refs of a push. */
function ledgerMoves(commands: readonly RefUpdate[]): LedgerMove[] {
  return commands.flatMap(({ ref, old, next }) => {
    const found = classifyRef(ref);
    return found.kind === 'ledger' && next !== null ? [{ ns: found.ns, old, next }] : [];
  });
}

/**
 * Throws `ATTESTATION_MISMATCH` for an id whose time is none that a clock of today shows: before 2020, or more than a day from now.
 * Readers take an id's time for when the transaction was made.
 */
export function checkIdTimes(events: readonly Pick<WatchEvent, 'oid' | 'txn'>[], now: number): void {
  for (const { oid, txn } of events) {
    const time = ulidTime(txn);
    if (time >= EARLIEST && time <= now + DAY_MS) continue;
    throw new KvError(
      'ATTESTATION_MISMATCH',
      `commit ${oid}: KV-Txn ${txn} is of ${dateOf(time)}, and here it is ${dateOf(now)}`,
      {
        hint: 'set the clock of the machine that wrote it, and write it again',
        details: { commit: oid, txn },
      },
    );
  }
}

/** A ULID's time reaches to the year 10889, which no date of ours has. */
const dateOf = (time: number): string => (time < Date.UTC(10_000, 0) ? formatTime(time).slice(0, 10) : 'after the year 9999');

/**
 * Knows the ids of the transactions that each namespace's current epoch has, so that none is used again. Read from the ledger when
 * first needed, and kept along with what is committed. What is known is known up to a ledger commit: where the ledger is elsewhere, it
 * is read again, so that whatever else moves a ledger needs to tell nobody.
 */
export class TransactionIds {
  /** By namespace; the least recently used first. */
  private readonly epochs = new Map<string, KnownEpoch>();
  private readonly reading = new Map<string, Promise<void>>();

  constructor(
    private readonly store: GitStore,
    private readonly randomness: Randomness,
    /** How many ids may be known at a time, besides those of the epoch used last. */
    private readonly limit: () => number,
  ) {}

  /** Reads what checking a push will take. It may be much after a start, so it is to be done before the commit lock is taken. */
  async prepare(commands: readonly RefUpdate[]): Promise<void> {
    for (const { ns, old } of ledgerMoves(commands)) await this.readUpTo(ns, old);
  }

  /** Reads the ids of all namespaces, one after the other, so that no push has to wait for it after a start. */
  async readAll(stopped: AbortSignal): Promise<void> {
    for (const [ref, tip] of await this.store.refs([ledgerRef('')])) {
      if (stopped.aborted || this.size() >= this.limit()) return;
      await this.readUpTo(ref.slice(ledgerRef('').length), tip);
    }
  }

  /** Whether a namespace's current epoch, whose tip is `tip`, has a transaction of this id. To be called under the lock. */
  async isUsed(ns: string, tip: Oid | null, txn: string): Promise<boolean> {
    if (tip === null) return false;
    await this.readUpTo(ns, tip);
    return this.epochs.get(ns)?.ids.has(txn) === true;
  }

  /** Throws `TRANSACTION_REUSED` for an id that its epoch has already, or that stands twice in a push. To be called under the lock. */
  async refuseUsed(commands: readonly RefUpdate[], events: readonly WatchEvent[]): Promise<void> {
    for (const { ns, old } of ledgerMoves(commands)) {
      await this.readUpTo(ns, old);
      const known = old === null ? undefined : this.epochs.get(ns);
      const own = new Set<string>();
      for (const event of events) {
        if (event.ns !== ns || event.parentEpoch !== null) continue; // an epoch's first one is followed by no others in a push
        if (own.has(event.txn) || known?.ids.has(event.txn) === true) throw reused(event);
        own.add(event.txn);
      }
    }
  }

  /** Keeps the ids of what was committed. */
  committed(commands: readonly RefUpdate[], events: readonly WatchEvent[]): void {
    for (const { ns, old, next } of ledgerMoves(commands)) {
      const own = events.filter((event) => event.ns === ns);
      const begins = old === null || own.some(({ parentEpoch }) => parentEpoch !== null);
      const known = begins ? { tip: next, ids: this.empty() } : this.epochs.get(ns);
      if (known === undefined || (!begins && known.tip !== old)) continue; // is read when it is needed
      for (const { txn } of own) known.ids.add(txn);
      this.keep(ns, { tip: next, ids: known.ids });
    }
  }

  private async readUpTo(ns: string, tip: Oid | null): Promise<void> {
    if (tip === null || this.epochs.get(ns)?.tip === tip) return;
    const ref = ledgerRef(ns);
    if ((await this.store.refs([ref])).get(ref) !== tip) return; // a lost race, as comparing the tips says
    const key = `${ns} ${tip}`;
    const running = this.reading.get(key) ?? this.read(ns, tip).finally(() => this.reading.delete(key));
    this.reading.set(key, running);
    await running;
  }

  private async read(ns: string, tip: Oid): Promise<void> {
    const before = this.epochs.get(ns);
    const newer = await this.idsOf(tip, before?.tip);
    if (before === undefined || newer.end !== before.tip) {
      const ids = newer.end === null ? newer.ids : (await this.idsOf(tip, undefined)).ids;
      return this.keep(ns, { tip, ids });
    }
    before.ids.addAll(newer.ids);
    this.keep(ns, { tip, ids: before.ids });
  }

  /** The ids from a ledger commit back to `end`, such as one that is known, or to where the epoch begins: null. */
  private async idsOf(tip: Oid, known: Oid | undefined): Promise<{ readonly ids: UlidSet; readonly end: Oid | null }> {
    const { store } = this;
    const ids = this.empty();
    let end: Oid | null = tip; // nothing is read of a ledger that went back to a commit before the known one
    for await (const objects of commitBatches(store, { tip, ...(known === undefined ? {} : { exclude: known }) })) {
      for (const object of objects) {
        const text = decodeLoose(object?.body ?? new Uint8Array(0)); // of this repository's own: it was checked when it came
        const txn = TXN.exec(text)?.[1];
        if (txn !== undefined) ids.add(txn);
        end = PARENT.exec(text)?.[1] ?? null;
      }
    }
    return { ids, end };
  }

  private keep(ns: string, epoch: KnownEpoch): void {
    this.epochs.delete(ns);
    this.epochs.set(ns, epoch);
    let size = this.size();
    for (const [other, { ids }] of this.epochs) {
      if (size <= this.limit() || other === ns) return;
      this.epochs.delete(other);
      size -= ids.size;
    }
  }

  private size(): number {
    return [...this.epochs.values()].reduce((sum, { ids }) => sum + ids.size, 0);
  }

  private empty(): UlidSet {
    const [a = 0, b = 0, c = 0, d = 0] = this.randomness.bytes(4);
    return new UlidSet((a << 24) | (b << 16) | (c << 8) | d);
  }
}

/** The refusal of an id that is another transaction's. */
export function reused({ oid, txn, epoch }: Pick<WatchEvent, 'oid' | 'txn' | 'epoch'>): KvError {
  return new KvError('TRANSACTION_REUSED', `commit ${oid}: epoch ${epoch} has a transaction ${txn} already`, {
    hint: 'each transaction has an id of its own: write it again through a client of git-kv',
    details: { commit: oid, txn },
  });
}
