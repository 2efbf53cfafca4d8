import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { MirrorTarget, MirrorUpdate } from '../../ports/mirror-target.js';
import type { RefName } from '../../ports/vocabulary.js';

/** Branches and tags on their way to the mirror. Those that it refuses wait here, without holding anything else up. */
export class OrdinaryRefs {
  private readonly pending = new Set<RefName>();

  constructor(
    private readonly store: GitStore,
    private readonly target: MirrorTarget,
  ) {}

  get waiting(): number {
    return this.pending.size;
  }

  note(refs: readonly RefName[]): void {
    for (const ref of refs) this.pending.add(ref);
  }

  /**
   * Pushes them: deletions first, since `a` must be gone before `a/b` can come; each group together, and one by one when that is
   * refused. Gives the error of those that are left; throws when the host is away.
   */
  async push(signal: AbortSignal): Promise<KvError | null> {
    if (this.pending.size === 0) return null;
    const refs = await this.store.refs([...this.pending]);
    const updates = [...this.pending].map((ref) => ({ ref, next: refs.get(ref) ?? null }));
    const groups = [
      ...inGroups(updates.filter(({ next }) => next === null)),
      ...inGroups(updates.filter(({ next }) => next !== null)),
    ];
    let refused: KvError | null = null;
    for (const group of groups) {
      if ((await this.tryPush(group, signal)) === null) continue;
      for (const update of group) refused = (await this.tryPush([update], signal)) ?? refused;
    }
    return refused;
  }

  private async tryPush(updates: readonly MirrorUpdate[], signal: AbortSignal): Promise<KvError | null> {
    try {
      await this.target.push(updates, signal);
      for (const { ref } of updates) this.pending.delete(ref);
      return null;
    } catch (error) {
      if (KvError.is(error) && error.code !== 'IO_ERROR' && error.code !== 'INTERRUPTED') return error;
      throw error;
    }
  }
}

/** A command line has room for so many refs. */
const GROUP = 200;

function* inGroups(updates: readonly MirrorUpdate[]): Generator<MirrorUpdate[]> {
  for (let at = 0; at < updates.length; at += GROUP) yield updates.slice(at, at + GROUP);
}
