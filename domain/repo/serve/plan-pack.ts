import type { Oid } from '../../../ports/vocabulary.js';
import type { PackItem } from '../../git/pack/write-pack.js';
import { MODE_DIR, TreeCursor } from '../../git/tree.js';
import { differing } from '../objects/differing.js';
import type { ObjectSource } from '../objects/source.js';
import { childrenOf } from '../objects/children.js';

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
}

/** The objects of a pack, so that a delta comes after its base. Each stands once; what a commit's first parent has is with the receiver. */
export async function planPack(source: ObjectSource, plan: PackPlan, turn: () => Promise<void>): Promise<PackItem[]> {
  return new Planner(source, plan, turn).items();
}

class Planner {
  private readonly planned: PackItem[] = [];
  private readonly depths: number[] = [];
  /** The places of what is planned; -1 for what the receiver has. */
  private readonly places = new Map<Oid, number>();
  private looked = 0;

  constructor(
    private readonly source: ObjectSource,
    private readonly plan: PackPlan,
    private readonly turn: () => Promise<void>,
  ) {}

  async items(): Promise<PackItem[]> {
    const { source, plan } = this;
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
      const first = plan.cut.has(oid) ? undefined : parents[0];
      await this.tree(tree, first === undefined ? null : (await source.commit(first)).tree);
    }
    for (const oid of plan.others) await this.reach(oid);
    return this.planned;
  }

  private add(oid: Oid, base: Oid | null): boolean {
    if (this.places.has(oid)) return false;
    this.places.set(oid, this.planned.length);
    const place = base === null ? undefined : this.places.get(base);
    const depth = place === undefined || place < 0 ? 1 : (this.depths[place] ?? 0) + 1;
    const isNear = base !== null && depth <= DEEPEST;
    const usable = place !== undefined && place >= 0 ? place : this.plan.thin ? base : null;
    this.planned.push({ oid, base: isNear ? usable : null });
    this.depths.push(isNear && usable !== null ? depth : 0);
    return true;
  }

  /** What a tree has that another has not, at the same path. */
  private async tree(tree: Oid, base: Oid | null): Promise<void> {
    if (tree === base || !this.add(tree, base)) return;
    if (++this.looked % A_TURN === 0) await this.turn();
    const { source } = this;
    const left = new TreeCursor(base === null ? EMPTY : await source.tree(base), source.oidBytes);
    const right = new TreeCursor(await source.tree(tree), source.oidBytes);
    const folders: [Oid, Oid | null][] = [];
    for (const { at, before } of differing(left, right)) {
      if (at.mode === SUBMODULE) continue;
      const old = before === null || before.mode === SUBMODULE ? null : before.oid();
      if (at.mode === MODE_DIR) folders.push([at.oid(), old]);
      else this.add(at.oid(), old);
    }
    for (const [each, before] of folders) await this.tree(each, before);
  }

  /** Everything in a tree is with the receiver. */
  private async skip(tree: Oid): Promise<void> {
    if (this.places.has(tree)) return;
    this.places.set(tree, -1);
    if (++this.looked % A_TURN === 0) await this.turn();
    const cursor = new TreeCursor(await this.source.tree(tree), this.source.oidBytes);
    const folders: Oid[] = [];
    while (cursor.next()) {
      if (cursor.mode === MODE_DIR) folders.push(cursor.oid());
      else if (!this.places.has(cursor.oid())) this.places.set(cursor.oid(), -1);
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
