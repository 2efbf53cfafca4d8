import type { Entry, ServerId } from '../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../domain/gateway/replicate/messages.js';
import { Fields } from '../../../domain/gateway/replicate/wire/message-codec.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { ObjectExchange } from '../../../ports/git/object-exchange.js';
import { isOid, type Oid } from '../../../ports/vocabulary.js';
import { type PeerDispatch, TOPICS } from './dispatch.js';

/** What bringing objects along takes. */
export interface PacksOptions {
  readonly store: GitStore;
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

const nameOf = ({ term, attempt, id }: Entry): string => `${term} ${attempt} ${id}`;

/** The objects of entries: what goes along with a prepare or a tail, what has come, and what is asked for where it has not. */
export class EntryPacks {
  private kept: { readonly name: string; readonly pack: Promise<readonly Uint8Array[] | null> } | null = null;
  private readonly taken = new Set<string>();
  private readonly end: () => void;

  constructor(private readonly options: PacksOptions) {
    const { dispatch, repository } = options;
    this.end = dispatch.on(TOPICS.objects, repository, async ({ body }) => {
      const asked = Fields.parse(body, 'objects');
      const oids = (name: string): Oid[] => asked.texts(name).filter((oid) => isOid(oid, options.store.objectFormat));
      return { body: new Uint8Array(0), stream: this.pack(oids('want'), oids('have')) };
    });
  }

  of(message: Message): AsyncIterable<Uint8Array> | null {
    if (message.kind === 'prepare') return this.ofEntry(message.entry);
    if (message.kind === 'tail') return this.ofEntries(message.entries);
    return null;
  }

  async take(message: Message, stream: AsyncIterable<Uint8Array>): Promise<void> {
    const entries = message.kind === 'prepare' ? [message.entry] : message.kind === 'tail' ? message.entries : [];
    try {
      await this.options.exchange.receive(stream);
      for (const entry of entries) this.note(entry);
    } catch {
      // What it builds on may not be here yet, or it broke off: what is missing is asked for when it is stored or applied.
    }
  }

  /** Brings an entry's objects here, from a server that has them, unless they have come. */
  async ensure(entry: Entry, from: ServerId | null): Promise<void> {
    const want = wanted([entry]);
    if (from === null || want.length === 0 || this.taken.has(nameOf(entry))) return;
    await this.fetch(from, want, await this.known(entry));
    this.note(entry);
  }

  /** Asks a server for objects. */
  async fetch(from: ServerId, want: readonly Oid[], have: readonly Oid[]): Promise<void> {
    const { dispatch, repository } = this.options;
    const body = Buffer.from(JSON.stringify({ want, have }));
    const { stream } = await dispatch.transport.call(from, { topic: TOPICS.objects, repository, body });
    await this.receive(stream);
  }

  /** Takes in what another server's `pack` has given. */
  receive(stream: AsyncIterable<Uint8Array>): Promise<void> {
    return this.options.exchange.receive(stream);
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

  /** Whether all objects that entries lead to are still here: what no ref reaches any more may be gone. */
  async has(entries: readonly Entry[]): Promise<boolean> {
    return (await this.options.store.headers(wanted(entries))).every((header) => header !== null);
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
    yield* this.pack(wanted([entry]), await this.known(entry));
  }

  /** Of several entries only what they begin with is known to be at the other side: other tips here may be newer than what it has. */
  private ofEntries(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
    return this.pack(
      wanted(entries),
      [...firstOlds(entries).values()].flatMap((old) => old ?? []),
    );
  }

  /** What whoever stands right before an entry has, when this server does too. */
  private async known(entry: Entry): Promise<readonly Oid[]> {
    const first = firstOlds([entry]);
    const olds = new Set([...first.values()].flatMap((old) => old ?? []));
    if (![...first.values()].includes(null)) return [...olds];
    const tips = await this.options.store.refs(['refs/']);
    for (const [ref, oid] of tips) if (!first.has(ref) && olds.size < MOST_TIPS) olds.add(oid);
    return [...olds];
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
