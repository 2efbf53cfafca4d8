import { REASON } from '../../../../domain/gateway/commit/commit-refs.js';
import { readJournal, recover } from '../../../../domain/gateway/commit/recover.js';
import { shortenJournal } from '../../../../domain/gateway/commit/shorten-journal.js';
import { EntryHistory } from '../../../../domain/gateway/replicate/follower/entry-history.js';
import { movesLeft, refsBefore, refsOf, shownOf } from '../../../../domain/gateway/replicate/follower/run.js';
import { type Entry, movesOf, NOTHING, type Standing, standingAfter } from '../../../../domain/gateway/replicate/entry.js';
import { chainFrom, chainTo, entryOf, intentOf } from '../../../../domain/gateway/replicate/intent-entry.js';
import type { Restored } from '../../../../domain/gateway/replicate/machine.js';
import type { TipsDigest } from '../../../../domain/gateway/replicate/tips-digest.js';
import {
  decodeLeaderRecord,
  encodeLeaderRecord,
  isReplicated,
  LEADER_REF,
  type LeaderRecord,
} from '../../../../domain/gateway/replicate/wire/leader-ref.js';
import type { ObjectNamer } from '../../../../domain/git/object.js';
import { formatTime } from '../../../../domain/ledger/value/metadata.js';
import type { Clock } from '../../../../ports/clock.js';
import { KvError } from '../../../../ports/error.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { IntentRecord, Journal } from '../../../../ports/stargate/journal.js';
import type { Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import type { Log } from '../../log/log.js';

/** What one server of a cluster keeps of a repository. */
export interface ReplicaDiskOptions {
  readonly store: GitStore;
  readonly journal: Journal;
  readonly namer: ObjectNamer;
  readonly digest: TipsDigest;
  readonly clock: Clock;
  readonly log: Log;
  /** Deletes a blob of `refs/kv-leader` that nothing reaches any more: there is one a write. Absent where that saves nothing. */
  readonly dropBlob?: ((oid: Oid) => Promise<void>) | undefined;
}

/** How many entries are applied between two looks at the journal's length. */
const SHORTEN_EVERY = 2000;

/**
 * Refs, journal and `refs/kv-leader` of one server: what a replica wants stored and applied, done so that a crash at any point leaves what
 * `restore` can tell. One call at a time changes anything.
 */
export class ReplicaDisk {
  private history = new EntryHistory(NOTHING);
  /** The blob that `refs/kv-leader` points to: another process over these refs would have moved it. */
  private leaderBlob: Oid | null = null;
  private standing: Standing = NOTHING;
  private stored: Entry | null = null;
  /** Decided entries whose moves were begun, and may have been made in part. */
  private begun: readonly Entry[] = [];
  /** A move of refs has failed, which may have been made in part. */
  private torn = false;
  private sinceShortened = 0;

  constructor(private readonly options: ReplicaDiskOptions) {}

  /** Where the refs stand. */
  get at(): Standing {
    return this.standing;
  }

  /** What is told of a position. */
  historyFrom(sequence: number): ReturnType<EntryHistory['from']> {
    return this.history.from(sequence);
  }

  /** The refs that are part of the history, as they are now. */
  async tips(): Promise<Map<RefName, Oid>> {
    const refs = await this.options.store.refs(['refs/']);
    return new Map([...refs].filter(([ref]) => isReplicated(ref)));
  }

  /** The digest of tips and members. */
  digestOf(tips: ReadonlyMap<RefName, Oid>, members: readonly string[]): string {
    const { digest } = this.options;
    return digest.after(digest.of(tips), movesOf([], [], members));
  }

  /**
   * Says where refs and journal stand, after whatever crash. `founders` are the first members of a repository that has content, or a policy
   * (`founds`), and was in no cluster yet. Throws what the adapters throw.
   */
  async restore(founders: readonly string[], founds: boolean): Promise<Restored> {
    const { store, journal, log } = this.options;
    await recover(store, journal); // of the time before the cluster
    const record = await this.readLeader();
    const { open, kept } = await readJournal(journal);
    const entries = kept.flatMap((intent) => entryOf(intent) ?? []);
    const tips = await this.tips();
    if (record !== null) this.standing = record;
    else if (founds || tips.size > 0) this.standing = this.foundation(tips, founders, entries, open);
    if (record !== null) await this.finishBehind(entries, open);
    const prepared = await this.completed(entries, open);
    const now = await this.tips();
    const { members, sequence } = this.standing;
    const digest = sequence < 0 ? '' : this.digestOf(now, members);
    const chain = chainTo(this.standing, entries);
    await this.noteOutcomes(open, chain, prepared);
    if (digest !== this.standing.digest) {
      log.error('cluster.refs-moved', { sequence, message: 'refs were moved by other means than the cluster' });
      this.standing = { sequence, digest, members };
    }
    this.history = new EntryHistory(this.standing, digest === chain.at(-1)?.after ? chain : []);
    this.stored = prepared;
    const term = Math.max(record?.term ?? 0, ...entries.map((entry) => entry.term));
    return { term, applied: this.standing, prepared };
  }

  /** Keeps an entry, synced, with those of its objects that are not here yet. */
  async store(entry: Entry, objects: readonly NewObject[] = []): Promise<void> {
    const { journal } = this.options;
    // One after the other: after a crash, an entry in the journal is one whose objects are here.
    await this.write(entry, objects);
    await journal.append(this.intent(entry));
    this.stored = entry;
  }

  /** Notes that a stored entry is aborted. */
  drop(entry: Entry): Promise<void> {
    if (this.stored?.id === entry.id) this.stored = null;
    return this.options.journal.append({ kind: 'aborted', id: entry.id }, { sync: false });
  }

  /**
   * Moves refs to where entries lead that follow each other, and `refs/kv-leader` with them, in one step; gives their intents. `objects` are those
   * that are not here. What has moved already stays. A crash in the middle leaves what `restore` brings to the end of some of them.
   */
  async apply(entries: readonly Entry[], objects: readonly NewObject[] = []): Promise<readonly IntentRecord[]> {
    const { journal } = this.options;
    await this.finish(this.begun); // of an earlier call, which failed in the middle
    const rest = entries.filter(({ sequence }) => sequence > this.standing.sequence);
    const fresh = rest.filter((entry) => !this.isStored(entry));
    const last = fresh.at(-1);
    if (last !== undefined) {
      // One after the other, as in `store`; and synced, before a ref shows any of it.
      await this.write(last, objects);
      await Promise.all(fresh.map((entry) => journal.append(this.intent(entry), { sync: entry === last })));
    }
    await this.finish(rest);
    return entries.map((entry) => this.intent(entry));
  }

  /** Puts all refs of another server in the place of one's own. Their objects are here. Throws `GIT_ERROR` where they are not the standing's. */
  async install(standing: Standing, term: number, refs: ReadonlyMap<RefName, Oid>): Promise<void> {
    if ([...refs.keys()].some((ref) => !isReplicated(ref)) || this.digestOf(refs, standing.members) !== standing.digest)
      throw new KvError('GIT_ERROR', `what was sent are not the refs at entry ${standing.sequence}`);
    const mine = await this.tips();
    const moves: RefUpdate[] = [];
    for (const [ref, old] of mine) if (refs.get(ref) !== old) moves.push({ ref, old, next: refs.get(ref) ?? null });
    for (const [ref, next] of refs) if (!mine.has(ref)) moves.push({ ref, old: null, next });
    await this.options.store.write([encodeLeaderRecord(this.options.namer, { ...standing, term })]);
    await this.move(moves, { ...standing, term });
    this.stored = null;
    this.begun = [];
    this.history = new EntryHistory(this.standing);
  }

  /** Makes the moves of entries that are in the journal, with their objects here, as far as they are not made. */
  private async finish(entries: readonly Entry[]): Promise<void> {
    const { journal, store } = this.options;
    const last = entries.at(-1);
    if (last === undefined) return;
    this.begun = entries;
    const moves = movesLeft(entries, await store.refs(refsOf(entries)));
    await this.move(moves, { ...standingAfter(last), term: last.term });
    this.begun = [];
    this.stored = null;
    const done = entries.map(({ id }) => journal.append({ kind: 'done', id }, { sync: false }));
    await Promise.all(done).catch(() => undefined); // `refs/kv-leader` says so too
    for (const entry of entries) this.history.add(entry);
    this.sinceShortened += entries.length;
    if (this.sinceShortened < SHORTEN_EVERY) return;
    this.sinceShortened = 0;
    await shortenJournal(journal, () => true);
  }

  private isStored({ id, attempt }: Entry): boolean {
    return this.stored !== null && this.stored.id === id && this.stored.attempt === attempt;
  }

  /** The record apart: it is to go when the next one is in its place. */
  private async write(entry: Entry, objects: readonly NewObject[]): Promise<void> {
    const { store } = this.options;
    await Promise.all([store.write([this.record(entry)]), objects.length === 0 ? undefined : store.write(objects)]);
  }

  private async move(moves: readonly RefUpdate[], record: LeaderRecord): Promise<void> {
    const { store, namer } = this.options;
    const { oid } = encodeLeaderRecord(namer, record);
    const { sequence, digest, members } = record;
    const { leaderBlob: old } = this;
    if (oid !== old) {
      // An earlier try may have come through, as a whole or in part, though its answer did not.
      const isThere = this.torn && (await store.refs([LEADER_REF])).get(LEADER_REF) === oid;
      this.torn = true;
      if (!isThere || moves.length > 0)
        await store.updateRefs([...moves, { ref: LEADER_REF, old: isThere ? oid : old, next: oid }], REASON);
      this.torn = false;
      this.leaderBlob = oid;
      if (old !== null) void this.options.dropBlob?.(old).catch(() => undefined); // it takes a few bytes
    }
    this.standing = { sequence, digest, members };
  }

  /** Where a repository stands of which no entry was applied to the end: the first may have been begun. */
  private foundation(
    tips: ReadonlyMap<RefName, Oid>,
    members: readonly string[],
    entries: readonly Entry[],
    open: readonly IntentRecord[],
  ): Standing {
    const isOpen = new Set(open.map(({ id }) => id));
    const waiting = entries.filter(({ id }) => isOpen.has(id));
    const first = waiting.findLast(({ sequence }) => sequence === 1);
    const before = first === undefined ? tips : refsBefore(chainFrom({ sequence: 0, digest: first.before }, waiting), tips);
    const digest = this.digestOf(before, members);
    return { sequence: 0, digest: digest === first?.before ? digest : this.digestOf(tips, members), members };
  }

  /** Where `refs/kv-leader` has moved, the other refs of what leads there follow. */
  private async finishBehind(entries: readonly Entry[], open: readonly IntentRecord[]): Promise<void> {
    const { store } = this.options;
    const isOpen = new Set(open.map(({ id }) => id));
    const chain = chainTo(this.standing, entries);
    const first = chain.findIndex(({ id }) => isOpen.has(id));
    const late = chain.slice(first === -1 ? -1 : first);
    const moves = movesLeft(late, await store.refs(refsOf(late)));
    if (moves.length > 0) await store.updateRefs(moves, REASON);
  }

  /** Entries of which refs have moved were decided: the rest follows. Gives the entry that is stored and not applied. */
  private async completed(entries: readonly Entry[], open: readonly IntentRecord[]): Promise<Entry | null> {
    const { store } = this.options;
    const isOpen = new Set(open.map(({ id }) => id));
    const waiting = entries.filter(({ id }) => isOpen.has(id));
    const ahead = chainFrom(this.standing, waiting);
    const shown = ahead.slice(0, shownOf(ahead, await store.refs(refsOf(ahead))));
    const last = shown.at(-1);
    if (last === undefined) return waiting.findLast(({ sequence }) => sequence === this.standing.sequence + 1) ?? null;
    await store.write([this.record(last)]);
    await this.finish(shown);
    return null;
  }

  private async noteOutcomes(open: readonly IntentRecord[], chain: readonly Entry[], prepared: Entry | null): Promise<void> {
    const isDone = new Set(chain.map(({ id }) => id));
    for (const { id, entry } of open) {
      if (entry === undefined || id === prepared?.id) continue;
      await this.options.journal.append({ kind: isDone.has(id) ? 'done' : 'aborted', id }, { sync: false });
    }
  }

  private async readLeader(): Promise<LeaderRecord | null> {
    const { store } = this.options;
    this.leaderBlob = (await store.refs([LEADER_REF])).get(LEADER_REF) ?? null;
    if (this.leaderBlob === null) return null;
    const [object] = await store.read([this.leaderBlob]);
    if (object) return decodeLeaderRecord(object.body);
    throw new KvError('GIT_ERROR', `${LEADER_REF} points to what is not here`);
  }

  private intent(entry: Entry): IntentRecord {
    return intentOf(entry, formatTime(this.options.clock.now()));
  }

  private record(entry: Entry): NewObject {
    return encodeLeaderRecord(this.options.namer, { ...standingAfter(entry), term: entry.term });
  }
}
