import type { Creation, Reservation } from './records.js';
import type { Names } from './names.js';
import type { CreationObserver, CreationPeers, CreationStore } from './store.js';

interface CatchUpParts {
  /** This server's name. */
  readonly self: string;
  readonly names: Names;
  readonly store: CreationStore;
  readonly peers: CreationPeers;
  readonly observer: CreationObserver;
  /** Whether the repository of an id was removed since: it is not made again. */
  readonly isRemoved?: (repositoryId: string) => boolean;
}

/** How a server that was away learns of what the others have created meanwhile, and of what became of what it had reserved. */
export class CatchUp {
  /** How far the log of each other server has been read. */
  private readonly cursors = new Map<string, number>();
  private readonly diverged = new Set<string>();

  constructor(private readonly parts: CatchUpParts) {}

  /** The repositories that stand here and at another server, and are not the same. */
  get parted(): readonly string[] {
    return [...this.diverged].sort();
  }

  /** Asks all of them. To be called at times; never throws. */
  async tick(): Promise<void> {
    const { names, peers, observer } = this.parts;
    const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
      work().catch((error: unknown) => observer.failed(what, error));
    await Promise.all(peers.known().map((peer) => attempt(`ask ${peer} what it has created`, () => this.learnFrom(peer))));
    for (const { creation, state } of names.reservations()) {
      if (names.undecided.has(creation.id)) continue;
      await attempt(`settle ${creation.repository}`, () => this.settle(creation, state));
    }
  }

  private async settle(creation: Creation, state: Reservation['state']): Promise<void> {
    const { names, peers, self } = this.parts;
    if (state === 'decided') return names.alone(() => names.finish(creation));
    if (creation.coordinator === self) return names.alone(() => names.abort(creation));
    const answer = await peers.ask(creation.coordinator, { kind: 'outcome', id: creation.id, repository: creation.repository });
    if (answer.kind !== 'outcome' || answer.outcome === 'pending') return;
    await names.alone(() => (answer.outcome === 'decided' ? names.commit(creation) : names.abort(creation)));
  }

  private async learnFrom(peer: string): Promise<void> {
    const { names, peers } = this.parts;
    for (let after = this.cursors.get(peer) ?? 0; ; ) {
      const answer = await peers.ask(peer, { kind: 'since', after });
      if (answer.kind !== 'created') return;
      if (answer.last < after) {
        after = 0; // its disk was lost: it begins anew
        this.cursors.set(peer, 0);
        if (answer.last === 0) return;
        continue;
      }
      for (const creation of answer.creations) {
        await names.alone(() => this.learn(creation, peer));
        after += 1;
        this.cursors.set(peer, after);
      }
      if (answer.creations.length === 0 || after >= answer.last) return;
    }
  }

  private async learn(creation: Creation, peer: string): Promise<void> {
    const { names, store, observer } = this.parts;
    if (names.has(creation) || this.parts.isRemoved?.(creation.repositoryId) === true) return;
    const there = await store.taken(creation.repository);
    const reserved = names.reservationOf(creation.repository);
    const isIt = reserved?.creation.id === creation.id;
    if (there !== null && !isIt) {
      if (!this.diverged.has(creation.repository)) observer.diverged(creation.repository, peer);
      this.diverged.add(creation.repository);
      return;
    }
    // A server that has reserved the name has what the history begins with; another may have lost its disk, and with it what came then. That stays so
    // where it has heard of it before, and could not make it.
    await names.commit(creation, isIt ? reserved?.learned === true : creation.servers !== undefined);
    observer.learned(creation, peer);
  }
}
