import type { Oid } from '../../../ports/vocabulary.js';
import type { Core } from '../core.js';
import type { Changes } from '../types.js';
import { Overlay, type OverlayParts } from './overlay.js';
import { Pending } from './pending.js';
import { movedPaths, rebaseEdits } from './rebase.js';

/** The staging area: edits on top of the commit that HEAD leads to. To be changed by whoever has the turn. */
export class Staging {
  readonly pending: Pending;
  private readonly parts: OverlayParts;
  private current: Overlay;
  /** The commit that the edits began from. */
  private from: Oid | null = null;

  constructor(private readonly core: Core) {
    this.pending = new Pending(core.store);
    this.parts = { source: core.source, namer: core.namer, pending: this.pending, limits: core.limits };
    this.current = new Overlay(this.parts, null);
    core.keeps.add(() => (this.from === null || this.current.edits.size === 0 ? [] : [this.from]));
  }

  /** How many paths are staged. */
  get size(): number {
    return this.current.edits.size;
  }

  /** The state on top of a commit; where others have changed staged paths since, still on the one that it began from. */
  async on(commit: Oid | null): Promise<Overlay> {
    if (this.from === commit) return this.current;
    const tree = await this.core.treeOf(commit);
    if (this.current.edits.size === 0) this.current = new Overlay(this.parts, tree);
    else {
      const { overlay } = await rebaseEdits(this.parts, this.current, tree);
      if (overlay === null) return this.current;
      this.current = overlay;
    }
    this.from = commit;
    return this.current;
  }

  /** The same, and throws `CAS_CONFLICT` with the paths that others have changed since. */
  async mustBeOn(commit: Oid | null, what: string): Promise<Overlay> {
    const overlay = await this.on(commit);
    if (this.from === commit) return overlay;
    const { conflicts } = await rebaseEdits(this.parts, overlay, await this.core.treeOf(commit));
    throw movedPaths(conflicts ?? [], what);
  }

  async apply(commit: Oid | null, changes: Changes): Promise<void> {
    const overlay = await this.on(commit);
    await this.core.withRoom(() => overlay.apply(changes));
    if (overlay.edits.size === 0) this.pending.clear();
  }

  /** Nothing is staged any more, on top of that commit. */
  clear(commit: Oid | null, tree: Oid | null): void {
    this.pending.clear();
    this.current = new Overlay(this.parts, tree);
    this.from = commit;
  }

  /** Stages these edits in place of what was staged, on top of that commit. */
  replace(commit: Oid | null, overlay: Overlay): void {
    this.current = overlay;
    this.from = commit;
  }

  /** A state on a tree that shares what is pending here. */
  overlay(tree: Oid | null): Overlay {
    return new Overlay(this.parts, tree);
  }

  /** The staged edits on another tree, or the paths that conflict there. */
  async rebased(tree: Oid | null): ReturnType<typeof rebaseEdits> {
    return rebaseEdits(this.parts, this.current, tree);
  }
}
