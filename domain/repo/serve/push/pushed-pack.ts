import type { GitStore } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { PACK_HEADER } from '../../../git/pack/entry.js';
import type { PackNotes } from '../../../git/pack/pack-notes.js';
import { oidBytesIn } from '../../../git/tree/tree.js';
import type { Pushed } from './check-push.js';
import type { Gathering, KeptPacks } from '../kept-packs.js';

/** Of what objects have, a pack that is larger than this part is hardly compressed: to put another together is worth it. */
const COMPRESSED = 1 / 2;

/** A pack as it came in. */
export interface IncomingPack {
  readonly pack: Uint8Array;
  readonly objects: Pushed;
  readonly notes: PackNotes;
  /** Where the refs of the push are to lead. */
  readonly tips: readonly Oid[];
}

/**
 * What came in by a push may be what the next clone gets: a first push is all of a history, packed by git already. The entries are copied
 * when this is made, and kept by `landed` where they turn out to be all that the refs reach, and nothing else; `drop` always comes last.
 */
export class PushedPack {
  private roots: ReadonlySet<Oid> | null = null;

  private constructor(
    private readonly incoming: Omit<IncomingPack, 'pack'>,
    private readonly gathering: Gathering,
  ) {}

  /** Null for a pack that is not to be handed on. */
  static of(packs: KeptPacks, store: GitStore, incoming: IncomingPack): PushedPack | null {
    const { pack, objects, notes, tips } = incoming;
    if (!notes.isPlain || objects.size !== countOf(pack) || !tips.every((oid) => objects.has(oid))) return null;
    const length = pack.length - PACK_HEADER - oidBytesIn(store.objectFormat);
    let whole = 0;
    for (const { body } of objects.values()) whole += body.length;
    if (length > COMPRESSED * whole || !packs.hasRoom(length)) return null;
    const isCommit = (oid: Oid): boolean => objects.get(oid)?.type === 'commit';
    const unique = [...new Set(tips)];
    const asked = { commits: unique.filter(isCommit), others: unique.filter((oid) => !isCommit(oid)), distances: true };
    const gathering = packs.gather(store, asked, null);
    gathering.add(pack.slice(PACK_HEADER, PACK_HEADER + length));
    return new PushedPack({ objects, notes, tips }, gathering);
  }

  /** The push builds on nothing before it, and all of it is what these objects reach. */
  heard(roots: ReadonlySet<Oid>): void {
    this.roots = roots;
  }

  /** All refs of the push lead where they were to. */
  landed(): void {
    const { objects, notes, tips } = this.incoming;
    if (this.roots === null) return;
    const reached = new Set(tips);
    for (const root of this.roots) if (!reached.has(root)) return; // what no ref leads to is no part of a clone
    this.gathering.keep(Array.from(objects.keys(), (oid) => ({ oid, depth: notes.depthOf(oid) })));
  }

  /** Gives up what was not kept. */
  drop(): void {
    this.gathering.drop();
  }
}

/** How many entries a pack says that it has. */
const countOf = (pack: Uint8Array): number => new DataView(pack.buffer, pack.byteOffset, PACK_HEADER).getUint32(8);
