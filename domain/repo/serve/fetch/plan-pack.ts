import type { Oid } from '../../../../ports/vocabulary.js';
import type { PackItem } from '../../../git/pack/write-pack.js';
import { MODE_DIR, TreeCursor } from '../../../git/tree/tree.js';
import type { ObjectFilter } from '../../../git/wire/object-filter.js';
import { differing } from '../../objects/differing.js';
import type { ObjectSource } from '../../objects/source.js';
import { childrenOf } from '../../objects/children.js';

/** Deltas upon deltas: git's own bound. */
const DEEPEST = 50;
/** Trees that are looked at between two turns. */
const A_TURN = 500;
const SUBMODULE = '160000';
const EMPTY = new Uint8Array(0);

/** What is to be in a pack. */
export interface PackPlan {
  /** Commits, each after its parents. */
  readonly commits: readonly Oid[];
  /** Commits that are sent without their parents: nothing is known of what the receiver has of these. */
  readonly cut: ReadonlySet<Oid>;
  /** Commits whose files the receiver has. */
  readonly theirs: readonly Oid[];
  /** Tags, trees and blobs that were asked for by their ids, with all that they reach. */
  readonly others: readonly Oid[];
  /** An object that the receiver has may be what one in the pack is a delta of. */
  readonly thin: boolean;
  /** What is left out, unless it is asked for by its id; null for nothing. */
  readonly filter: ObjectFilter | null;
  /** What goes before in the same pack; null for nothing. */
  readonly behind: PackedBefore | null;
}

/** Entries that go before in the same pack. */
export interface PackedBefore {
  /** Each object, and upon how many others it is a delta. */
  objects(): Iterable<readonly [oid: Oid, depth: number]>;
}

/** An object that goes into a pack. */
export interface PlannedItem extends PackItem {
  /** Upon how many others it may be a delta, one upon the next. */
  readonly depth: number;
}

/** In `places`: what the receiver has. */
const THEIRS = -1;
/** In `places`: what goes before in the same pack. */
const BEFORE = -2;

/** The objects of a pack, so that a delta comes after its base. Each stands once; what a commit's first parent has is with the receiver. */
export async function planPack(source: ObjectSource, plan: PackPlan, turn: () => Promise<void>): Promise<PlannedItem[]> {
  return new Planner(source, plan, turn).items();
}

class Planner {
  private readonly planned: PlannedItem[] = [];
  /** The places of what is planned, and whose what else is known is. */
  private readonly places = new Map<Oid, number>();
  /** Of what goes before. */
  private readonly depths = new Map<Oid, number>();
  private looked = 0;
  /** Where a filter has a depth: how far below a commit a tree was found, at its highest. */
  private readonly heights = new Map<Oid, number>();
  private readonly isBounded: boolean;

  constructor(
    private readonly source: ObjectSource,
    private readonly plan: PackPlan,
    private readonly turn: () => Promise<void>,
  ) {
    this.isBounded = (plan.filter?.treeDepth ?? null) !== null;
  }

  async items(): Promise<PlannedItem[]> {
    const { source, plan } = this;
    for (const [oid, depth] of plan.behind?.objects() ?? []) {
      this.places.set(oid, BEFORE);
      if (depth > 0) this.depths.set(oid, depth);
    }
    const isFounding = async (oid: Oid): Promise<boolean> => plan.cut.has(oid) || (await source.commit(oid)).parents.length === 0;
    let known = plan.theirs.length === 0;
    for (const oid of plan.commits) {
      const { tree, parents } = await source.commit(oid);
      // Against nothing, all of a tree would be sent, also what the receiver has of it.
      if (!known && (await isFounding(oid))) {
        known = true;
        for (const their of plan.theirs) await this.skip((await source.commit(their)).tree);
      }
      this.add(oid, null);
      if (!this.isWithin(0)) continue;
      const first = plan.cut.has(oid) ? undefined : parents[0];
      await this.tree(tree, first === undefined ? null : (await source.commit(first)).tree);
    }
    // Asked for by their ids: the receiver lacks them, whatever it has of the commits that lead there.
    if (plan.others.length > 0) for (const [oid, place] of this.places) if (place === THEIRS) this.places.delete(oid);
    for (const oid of plan.others) await this.reach(oid);
    return this.planned;
  }

  private add(oid: Oid, base: Oid | null): boolean {
    if (this.places.has(oid)) return false;
    this.places.set(oid, this.planned.length);
    const place = base === null ? undefined : this.places.get(base);
    const depth =
      1 + (place === undefined ? 0 : place >= 0 ? (this.planned[place]?.depth ?? 0) : (this.depths.get(base ?? '') ?? 0));
    const found = base === null || depth > DEEPEST ? null : this.baseAt(base, place);
    this.planned.push({ oid, base: found, depth: found === null ? 0 : depth });
    return true;
  }

  /** How a delta names its base: by its place, or by its id where it is no item; null where the receiver won't have it. */
  private baseAt(base: Oid, place: number | undefined): number | Oid | null {
    if (place !== undefined && place >= 0) return place;
    return place === BEFORE || this.plan.thin ? base : null;
  }

  /** Whether the filter lets trees and blobs through that lie so far below a commit. */
  private isWithin(depth: number): boolean {
    const { filter } = this.plan;
    return filter === null || filter.treeDepth === null || depth < filter.treeDepth;
  }

  /** What a tree, at a depth below its commit, has that another has not at the same path. */
  private async tree(tree: Oid, base: Oid | null, depth = 0): Promise<void> {
    if (tree === base) return;
    // One that stands higher than before has more in it that is to be sent.
    if (!this.add(tree, base) && !this.isHigher(tree, depth)) return;
    if (this.isBounded) this.heights.set(tree, depth);
    if (++this.looked % A_TURN === 0) await this.turn();
    if (!this.isWithin(depth + 1)) return;
    const { source } = this;
    const left = new TreeCursor(base === null ? EMPTY : await source.tree(base), source.oidBytes);
    const right = new TreeCursor(await source.tree(tree), source.oidBytes);
    const folders: [Oid, Oid | null][] = [];
    const files: [Oid, Oid | null][] = [];
    for (const { at, before } of differing(left, right)) {
      if (at.mode === SUBMODULE) continue;
      const old = before === null || before.mode === SUBMODULE ? null : before.oid();
      if (at.mode === MODE_DIR) folders.push([at.oid(), old]);
      else if (this.plan.filter === null) this.add(at.oid(), old);
      else files.push([at.oid(), old]);
    }
    await this.filtered(files);
    for (const [each, before] of folders) await this.tree(each, before, depth + 1);
  }

  private async filtered(files: readonly [Oid, Oid | null][]): Promise<void> {
    const limit = this.plan.filter?.blobLimit ?? null;
    if (limit === 0) return;
    const sizes = limit === null ? null : await this.source.sizes(files.map(([oid]) => oid));
    for (const [oid, old] of files) if (limit === null || (sizes?.get(oid) ?? 0) < limit) this.add(oid, old);
  }

  private isHigher(tree: Oid, depth: number): boolean {
    return this.isBounded && depth < (this.heights.get(tree) ?? 0);
  }

  /** Everything in a tree is with the receiver. */
  private async skip(tree: Oid): Promise<void> {
    if (this.places.has(tree)) return;
    this.places.set(tree, THEIRS);
    if (++this.looked % A_TURN === 0) await this.turn();
    const cursor = new TreeCursor(await this.source.tree(tree), this.source.oidBytes);
    const folders: Oid[] = [];
    while (cursor.next()) {
      if (cursor.mode === MODE_DIR) folders.push(cursor.oid());
      else if (!this.places.has(cursor.oid())) this.places.set(cursor.oid(), THEIRS);
    }
    for (const each of folders) await this.skip(each);
  }

  private async reach(oid: Oid): Promise<void> {
    const object = await this.source.get(oid);
    if (object?.type === 'tree') return this.tree(oid, null);
    if (object === null || object.type === 'commit' || !this.add(oid, null) || object.type === 'blob') return;
    for (const child of childrenOf(object, this.source.oidBytes)) await this.reach(child);
  }
}
