import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { concat, toHex, writeHex } from '../../git/bytes.js';
import type { PackedBefore } from './fetch/plan-pack.js';

/** What is asked for with a whole clone: all that these reach, and nothing else, is in its pack. */
export interface WholeClone {
  readonly commits: readonly Oid[];
  /** Tags, trees and blobs. */
  readonly others: readonly Oid[];
  /** The receiver finds the base of a delta by how far before it is. */
  readonly distances: boolean;
}

/** The entries of a pack as they were sent: what they hold follows from the ids that were asked for, so they are never out of date. */
export interface KeptPack extends WholeClone, PackedBefore {
  readonly count: number;
  /** All entries, without what a pack begins and ends with. */
  readonly entries: readonly Uint8Array[];
  /** Of all entries. */
  readonly bytes: number;
}

/** An object of a pack, and upon how many others it is a delta, one upon the next. */
export interface PackedObject {
  readonly oid: Oid;
  readonly depth: number;
}

/** The objects of a pack: the binary names of some, one after the other, and their depths. */
interface Contents {
  readonly names: Uint8Array;
  readonly depths: Uint8Array;
}

/** What is being gathered, of all clones that are under way, is no more than this part of what is kept. */
const LARGEST = 4;

/**
 * Packs of whole clones that were sent lately, of all repositories of a process together: many clients clone one state, and to put it
 * together again takes more than to send it. A newer state's pack goes on from that of an older one, which it replaces. What was not asked
 * for longest goes first.
 */
export class KeptPacks {
  private readonly kept = new Map<string, StoredPack>();
  private readonly repositories = new WeakMap<GitStore, number>();
  private known = 0;
  private held = 0;
  private gathered = 0;

  /** `most` bytes are kept, beside what repositories hold. */
  constructor(private readonly most: number) {}

  /** Bytes that are kept. */
  get bytes(): number {
    return this.held;
  }

  /** Whether so many bytes more may be gathered now. */
  hasRoom(bytes: number): boolean {
    return this.gathered + bytes <= this.most / LARGEST;
  }

  /** Packs of a repository that another may go on from, the one of the same request first, then the newest. */
  of(store: GitStore, asked: WholeClone): KeptPack[] {
    const same = this.nameOf(store, asked);
    const prefix = same.slice(0, same.indexOf(' ', same.indexOf(' ') + 1) + 1);
    const others = [...this.kept].filter(([name]) => name !== same && name.startsWith(prefix)).map(([, pack]) => pack);
    const found = this.kept.get(same);
    return found === undefined ? others.reverse() : [found, ...others.reverse()];
  }

  /** Keeps what is sent for a request, behind what was sent `before`, once it has gone whole; nothing that is too large. */
  gather(store: GitStore, asked: WholeClone, before: KeptPack | null): Gathering {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    let isKept = true;
    const drop = (): void => {
      if (isKept) this.gathered -= bytes;
      isKept = false;
    };
    return {
      add: (piece) => {
        if (!isKept) return;
        bytes += piece.length;
        this.gathered += piece.length;
        if (this.hasRoom(0)) pieces.push(piece);
        else drop();
      },
      keep: (items) => {
        if (!isKept) return;
        const replaced = [...this.kept].find(([, pack]) => pack === before)?.[0];
        if (replaced !== undefined) this.drop(replaced);
        this.keep(this.nameOf(store, asked), StoredPack.after(before, asked, pieces, items));
      },
      drop,
    };
  }

  private keep(name: string, pack: StoredPack): void {
    this.drop(name); // two may have been sent at the same time
    this.kept.set(name, pack); // asked for last
    this.held += pack.size;
    for (const oldest of this.kept.keys()) {
      if (this.held <= this.most) return;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    this.held -= this.kept.get(name)?.size ?? 0;
    this.kept.delete(name);
  }

  /** The repository's number, how bases are found, and what was asked for. */
  private nameOf(store: GitStore, { commits, others, distances }: WholeClone): string {
    const number = this.repositories.get(store) ?? ++this.known;
    this.repositories.set(store, number);
    return `${number} ${distances ? 'ofs' : 'ref'} ${[...commits].sort().join(' ')} others ${[...others].sort().join(' ')}`;
  }
}

/** Takes in the entries of a pack while it is sent. */
export interface Gathering {
  add(entries: Uint8Array): void;
  /** All has gone: `items` are what was added. */
  keep(items: readonly PackedObject[]): void;
  /** Nothing more comes. */
  drop(): void;
}

class StoredPack implements KeptPack {
  readonly bytes: number;
  readonly count: number;
  readonly commits: readonly Oid[];
  readonly others: readonly Oid[];
  readonly distances: boolean;

  private constructor(
    { commits, others, distances }: WholeClone,
    readonly entries: readonly Uint8Array[],
    private readonly contents: readonly Contents[],
  ) {
    [this.commits, this.others, this.distances] = [commits, others, distances];
    this.bytes = entries.reduce((sum, { length }) => sum + length, 0);
    this.count = contents.reduce((sum, { depths }) => sum + depths.length, 0);
  }

  static after(
    before: KeptPack | null,
    asked: WholeClone,
    pieces: readonly Uint8Array[],
    items: readonly PackedObject[],
  ): StoredPack {
    const own = before instanceof StoredPack ? before : null;
    const entries = [...(own?.entries ?? [])];
    for (const piece of pieces) addTo(entries, piece, isSmall, (last) => concat([last, piece]));
    const contents = [...(own?.contents ?? [])];
    const more = contentsOf(items);
    if (items.length > 0)
      addTo(
        contents,
        more,
        ({ names }) => isSmall(names),
        (last) => joined(last, more),
      );
    return new StoredPack(asked, entries, contents);
  }

  /** Bytes in memory. */
  get size(): number {
    return this.bytes + this.contents.reduce((sum, { names, depths }) => sum + names.length + depths.length, 0);
  }

  *objects(): Iterable<readonly [oid: Oid, depth: number]> {
    for (const { names, depths } of this.contents) {
      const width = names.length / depths.length;
      for (const [i, depth] of depths.entries()) yield [toHex(names, i * width, (i + 1) * width), depth];
    }
  }
}

/** A pack that has grown by a little with each of many pushes is not to be of as many pieces, bytes. */
const SMALL = 16 * 1024;
const isSmall = ({ length }: Uint8Array): boolean => length < SMALL;

/** Adds to the last one of a list where that is small, else behind it. */
function addTo<T>(list: T[], next: T, small: (one: T) => boolean, join: (last: T) => T): void {
  const last = list.at(-1);
  if (last !== undefined && small(last) && small(next)) list[list.length - 1] = join(last);
  else list.push(next);
}

const joined = (a: Contents, b: Contents): Contents => ({
  names: concat([a.names, b.names]),
  depths: concat([a.depths, b.depths]),
});

function contentsOf(items: readonly PackedObject[]): Contents {
  const width = (items[0]?.oid.length ?? 0) / 2;
  const names = new Uint8Array(items.length * width);
  for (const [i, { oid }] of items.entries()) writeHex(oid, names, i * width);
  return { names, depths: Uint8Array.from(items, ({ depth }) => depth) };
}
