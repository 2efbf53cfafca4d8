import type { GitStore } from '../../../ports/git/git-store.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { Mutex } from '../mutex.js';

/** Where the mirror's refs stand while they are looked at. No ref of a client's, a reader's or the format's begins like this. */
const STAGE = 'refs/stargate-stage/';
/** What the reflog of a staged ref says. */
const REASON = 'kv: a look at the mirror';

/** A place beside the Stargate's own refs for what the mirror has, so that it can be read before anything is taken from it. */
export class MirrorStage {
  private readonly mutex = new Mutex();

  constructor(
    private readonly store: GitStore,
    private readonly target: MirrorTarget,
  ) {}

  /**
   * Fetches refs of the mirror, gives where they are, by the mirror's names, to `use`, and clears the stage when that has ended. One
   * after another: two would overwrite each other's refs. Throws what the mirror throws, `NOT_FOUND` when a ref is gone meanwhile.
   */
  async with<T>(refs: readonly RefName[], use: (there: ReadonlyMap<RefName, Oid>) => Promise<T>): Promise<T> {
    const release = await this.mutex.acquire();
    try {
      await this.clear(); // what a crash has left
      await this.target.fetch(refs.map((ref) => ({ remoteRef: ref, localRef: staged(ref) })));
      const held = await this.store.refs([STAGE]);
      const there = new Map(refs.flatMap((ref) => (held.has(staged(ref)) ? [[ref, held.get(staged(ref)) as Oid]] : [])));
      return await use(there);
    } finally {
      await this.clear();
      release();
    }
  }

  /** Under which name a ref of the mirror is held here, while it is. */
  nameOf(ref: RefName): RefName {
    return staged(ref);
  }

  private async clear(): Promise<void> {
    const left = await this.store.refs([STAGE]);
    if (left.size > 0)
      await this.store.updateRefs(
        [...left].map(([ref, old]) => ({ ref, old, next: null })),
        REASON,
      );
  }
}

/** Whether a ref is one of the stage's: none of the repository's own, and gone soon. */
export const isStaged = (ref: RefName): boolean => ref.startsWith(STAGE);

const staged = (ref: RefName): RefName => ref.replace(/^refs\//, STAGE);
