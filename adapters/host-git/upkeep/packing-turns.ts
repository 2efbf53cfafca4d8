import type { Oid } from '../../../ports/index.js';

/**
 * Keeps what deletes objects apart from what packs them: git lists all objects before it reads them, and gives up where one of them is gone. So
 * one packs at a time, and what is to be dropped meanwhile goes afterwards.
 */
export class PackingTurns {
  private turn: Promise<void> = Promise.resolve();
  /** How many are packing, or wait for their turn. */
  private packs = 0;
  private readonly put = new Set<Oid>();
  private readonly dropping = new Set<Promise<void>>();

  /** `remove` deletes the file of an object, which may be gone. */
  constructor(private readonly remove: (oid: Oid) => Promise<void>) {}

  /** Packs when nobody else does. Throws what the work does. */
  pack(work: () => Promise<void>): Promise<void> {
    this.packs++;
    const mine = this.turn.then(async () => {
      await Promise.allSettled(this.dropping); // whoever drops hears how it went
      await work();
    });
    this.turn = mine
      .catch(() => undefined) // whoever asked for it has the error
      .then(async () => {
        if (--this.packs > 0) return;
        const put = [...this.put];
        this.put.clear();
        await Promise.allSettled(put.map((oid) => this.removed(oid))); // what stays takes a few bytes
      });
    return mine;
  }

  /** Drops an object, now or once nobody packs any more. Throws what removing it does where that is now. */
  async drop(oid: Oid): Promise<void> {
    if (this.packs > 0) this.put.add(oid);
    else await this.removed(oid);
  }

  private removed(oid: Oid): Promise<void> {
    const gone = this.remove(oid).finally(() => this.dropping.delete(gone));
    this.dropping.add(gone);
    return gone;
  }
}
