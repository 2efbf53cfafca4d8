import type { Entry, ServerId } from '../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../domain/gateway/replicate/messages.js';
import { Fields } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import type { ObjectNamer } from '../../../../domain/git/object.js';
import { KvError } from '../../../../ports/error.js';
import { unlessInterrupted } from '../../../../ports/unless-interrupted.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { ObjectExchange } from '../../../../ports/git/object-exchange.js';
import { isOid, type Oid } from '../../../../ports/vocabulary.js';
import { type PeerDispatch, TOPICS } from '../peers/dispatch.js';
import { collectPack, SmallPacks } from './small-packs.js';

/** What bringing objects along takes. */
export interface PacksOptions {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly exchange: ObjectExchange;
  readonly dispatch: PeerDispatch;
  readonly repository: string;
}

/** How many tips are named to leave out what they reach, where a ref is new. */
const MOST_TIPS = 2000;
/** A pack up to this size is made once for all servers, bytes. */
const MOST_KEPT = 8 * 1024 * 1024;
/** How many entries are remembered to have come with their objects. */
const MOST_TAKEN = 5000;
/** How many entries' objects wait in memory to be stored with them; a server keeps one entry beyond its refs. */
const MOST_WAITING = 4;
/** From so many entries on, what they bring is not looked at in this process: git packs it. */
const MANY_ENTRIES = 16;

const nameOf = ({ term, attempt, id }: Entry): string => `${term} ${attempt} ${id}`;

/** What this server's own proposal brings, which is stored with its entry. */
interface Own {
  readonly objects: readonly NewObject[];
  readonly stored: Promise<void>;
  readonly noteStored: () => void;
}

/** The objects of entries: what goes along with a prepare or a tail, what has come, and what is asked for where it has not. */
export class EntryPacks {
  private kept: { readonly name: string; readonly pack: Promise<readonly Uint8Array[] | null> } | null = null;
  private readonly taken = new Set<string>();
  /** What has come with prepares and is not on the disk yet. */
  private readonly waiting = new Map<string, readonly NewObject[]>();
  private readonly own = new Map<string, Own>();
  private readonly small: SmallPacks;
  private readonly stopped = new AbortController();
  private readonly end: () => void;

  constructor(private readonly options: PacksOptions) {
    const { dispatch, repository, store, namer } = options;
    this.small = new SmallPacks(store, namer);
    this.end = dispatch.on(TOPICS.objects, repository, async ({ body }) => {
      const asked = Fields.parse(body, 'objects');
      const oids = (name: string): Oid[] => asked.texts(name).filter((oid) => isOid(oid, options.store.objectFormat));
      return { body: new Uint8Array(0), stream: this.fewOrPack(oids('want'), oids('have')) };
    });
  }

  async of(message: Message): Promise<AsyncIterable<Uint8Array> | null> {
    if (message.kind === 'prepare') return this.ofEntry(message.entry);
    if (message.kind === 'tail') return this.ofTail(message.entries);
    return null;
  }

  async take(message: Message, stream: AsyncIterable<Uint8Array>): Promise<void> {
    const entries = message.kind === 'prepare' ? [message.entry] : message.kind === 'tail' ? message.entries : [];
    try {
      const [entry] = entries;
      if (message.kind === 'prepare' && entry !== undefined) await this.takeOne(entry, stream);
      else await this.receive(stream);
      for (const entry of entries) this.note(entry);
    } catch {
      // What it builds on may not be here yet, or it broke off: what is missing is asked for when it is stored or applied.
    }
  }

  /** A proposal of this server's own brings these, which nobody has stored yet. */
  propose(id: string, objects: readonly NewObject[]): void {
    if (objects.length === 0) return;
    let noteStored = (): void => undefined;
    const stored = new Promise<void>((resolve) => {
      noteStored = resolve;
    });
    this.small.keep(objects);
    this.own.set(id, { objects, stored, noteStored });
  }

  /** A proposal was answered: nobody will ask for what it has brought. */
  settle(id: string): void {
    this.own.get(id)?.noteStored();
    this.own.delete(id);
  }

  /**
   * Has the objects here of entries that follow each other, from a server that has them, all at once; gives those that are in memory, and are
   * to be stored with the entries.
   */
  async ensure(entries: readonly Entry[], from: ServerId | null): Promise<readonly NewObject[]> {
    const held: NewObject[] = [];
    const missing: Entry[] = [];
    for (const entry of entries) {
      const known = this.own.get(entry.id)?.objects ?? this.waiting.get(nameOf(entry));
      if (known !== undefined) held.push(...known);
      else if (!this.taken.has(nameOf(entry))) missing.push(entry);
    }
    const want = wanted(missing);
    if (from === null || want.length === 0) return held;
    if (held.length > 0) await this.options.store.write(held); // others may build on them
    await this.fetch(from, want, await this.known(missing));
    for (const entry of missing) this.note(entry);
    return [];
  }

  /** The objects of entries are on the disk. */
  stored(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.waiting.delete(nameOf(entry));
      this.own.get(entry.id)?.noteStored();
    }
  }

  /** Asks a server for objects. */
  async fetch(from: ServerId, want: readonly Oid[], have: readonly Oid[]): Promise<void> {
    const { dispatch, repository } = this.options;
    const body = Buffer.from(JSON.stringify({ want, have }));
    const { signal } = this.stopped;
    const { stream } = await dispatch.transport.call(from, { topic: TOPICS.objects, repository, body }, { signal });
    await this.receive(stream);
  }

  /** Takes in what another server's `pack` has given, onto the disk; breaks off where this server is ending. */
  async receive(stream: AsyncIterable<Uint8Array>): Promise<void> {
    const objects = await this.unpacked(unlessStopped(stream, this.stopped.signal));
    if (objects !== null && objects.length > 0) await this.options.store.write(objects);
  }

  /** What a small pack holds; null once git has taken a larger one in. */
  private async unpacked(stream: AsyncIterable<Uint8Array>): Promise<readonly NewObject[] | null> {
    const collected = await collectPack(stream);
    const objects = 'pack' in collected ? await this.small.read(collected.pack) : null;
    if (objects !== null) return objects;
    await this.options.exchange.receive('pack' in collected ? pieces([collected.pack]) : collected.stream);
    return null;
  }

  private async takeOne(entry: Entry, stream: AsyncIterable<Uint8Array>): Promise<void> {
    const name = nameOf(entry);
    const objects = await this.unpacked(stream);
    if (objects === null || this.taken.has(name)) return;
    this.waiting.set(name, objects);
    if (this.waiting.size <= MOST_WAITING) return;
    const oldest = this.waiting.keys().next().value as string; // there is a first
    this.waiting.delete(oldest);
    this.taken.delete(oldest); // should it be wanted after all, it is asked for
  }

  /** What some objects reach and others don't; of the others, only those that are here count. */
  async *pack(want: readonly Oid[], have: readonly Oid[]): AsyncIterable<Uint8Array> {
    const { store, exchange } = this.options;
    const headers = await store.headers(have);
    yield* exchange.send(
      want,
      have.filter((_, at) => headers[at] !== null),
    );
  }

  private async *fewOrPack(want: readonly Oid[], have: readonly Oid[]): AsyncIterable<Uint8Array> {
    const few = await this.small.make(want, have);
    if (few !== null) yield* few;
    else yield* this.pack(want, have);
  }

  /** Whether all objects that entries lead to are still here: what no ref reaches any more may be gone. */
  async has(entries: readonly Entry[]): Promise<boolean> {
    return (await this.options.store.headers(wanted(entries))).every((header) => header !== null);
  }

  /** Fires when this server ends. */
  get stopping(): AbortSignal {
    return this.stopped.signal;
  }

  /** Breaks off what is being fetched, which may take long. */
  stop(): void {
    this.stopped.abort();
  }

  close(): void {
    this.end();
  }

  private note(entry: Entry): void {
    this.taken.add(nameOf(entry));
    if (this.taken.size > MOST_TAKEN) this.taken.delete(this.taken.values().next().value as string); // there is a first
  }

  /** One entry's pack goes to all servers: it is made once, unless it is large. */
  private async *ofEntry(entry: Entry): AsyncIterable<Uint8Array> {
    const name = nameOf(entry);
    if (this.kept?.name !== name) this.kept = { name, pack: this.collect(entry) };
    const pack = await this.kept.pack;
    if (pack === null) yield* this.whole(entry);
    else yield* pack;
  }

  private async collect(entry: Entry): Promise<readonly Uint8Array[] | null> {
    const few = await this.small.make(wanted([entry]), await this.known([entry]));
    if (few !== null) return few;
    await this.own.get(entry.id)?.stored; // git reads the disk
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of this.whole(entry)) {
      bytes += piece.length;
      if (bytes > MOST_KEPT) return null;
      pieces.push(piece);
    }
    return pieces;
  }

  private async *whole(entry: Entry): AsyncIterable<Uint8Array> {
    yield* this.pack(wanted([entry]), await this.known([entry]));
  }

  /**
   * What goes along with a tail: a few objects; null where they are more, which the other side fetches, so that each waits for the other to be
   * done. Only what the entries begin with is known to be there: other tips here may be newer than what it has.
   */
  private async ofTail(entries: readonly Entry[]): Promise<AsyncIterable<Uint8Array> | null> {
    if (entries.length >= MANY_ENTRIES) return null;
    const have = [...firstOlds(entries).values()].flatMap((old) => old ?? []);
    const few = await this.small.make(wanted(entries), have).catch(() => null); // then who fetches them is told why
    return few === null ? null : pieces(few);
  }

  /** What whoever stands right before entries has, when this server does too. */
  private async known(entries: readonly Entry[]): Promise<readonly Oid[]> {
    const first = firstOlds(entries);
    const olds = new Set([...first.values()].flatMap((old) => old ?? []));
    if (![...first.values()].includes(null)) return [...olds];
    const tips = await this.options.store.refs(['refs/']);
    for (const [ref, oid] of tips) if (!first.has(ref) && olds.size < MOST_TIPS) olds.add(oid);
    return [...olds];
  }
}

async function* pieces(list: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* list;
}

/** A stream that breaks off once the signal has fired, though nothing comes any more. Throws `INTERRUPTED`. */
async function* unlessStopped(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const source = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await unlessInterrupted(source.next(), signal, () => new KvError('INTERRUPTED', 'this server is ending'));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    void Promise.resolve(source.return?.()).catch(() => undefined); // what is stuck is left, and nobody waits for what it says
  }
}

const wanted = (entries: readonly Entry[]): Oid[] => [
  ...new Set(entries.flatMap(({ updates }) => updates.flatMap(({ next }) => next ?? []))),
];

/** Where each ref that entries move is before the first of them. */
function firstOlds(entries: readonly Entry[]): ReadonlyMap<string, Oid | null> {
  const first = new Map<string, Oid | null>();
  for (const { updates } of entries) for (const { ref, old } of updates) if (!first.has(ref)) first.set(ref, old);
  return first;
}
