import type { Head, RecordedHead } from '../../ports/stargate/decision-log.js';
import type { DecisionResult } from '../../domain/gateway/replicate/effects.js';

/** How long a lease lives that is not renewed, ms. */
export const LEASE = 1500;

/** What a planted bug makes of the log. */
export interface LogFlaws {
  /** The leader's lock is not compared, nor are terms. */
  readonly ignoresLock?: boolean;
  /** The head's revision is not compared. */
  readonly ignoresRevision?: boolean;
}

/** The decision log and the leader's lock, each step at one moment, as etcd's transactions are. */
export class Decisions {
  head: Head | null = null;
  revision = 0;
  /** Told of each decision, right when it is made. */
  made: (by: number, head: Head, before: Head | null) => void = () => undefined;
  private lock: { readonly holder: number; readonly term: number; until: number } | null = null;
  private lastTerm = 0;

  constructor(
    private readonly now: () => number,
    /** The one server that ever leads; null: whoever wins the lock. */
    private readonly only: number | null,
    private readonly flaws: LogFlaws,
  ) {}

  acquire(server: number): number | null {
    if (this.only !== null && server !== this.only) return null;
    if (this.lock !== null && this.lock.until > this.now() && this.only === null) return null;
    this.lock = { holder: server, term: ++this.lastTerm, until: this.now() + LEASE };
    return this.lastTerm;
  }

  renew(server: number, term: number): boolean {
    const { lock } = this;
    if (lock === null || lock.holder !== server || lock.term !== term || lock.until <= this.now()) return false;
    lock.until = this.now() + LEASE;
    return true;
  }

  release(server: number, term: number): void {
    if (this.lock?.holder === server && this.lock.term === term) this.lock = null;
  }

  read(): RecordedHead | null {
    return this.head === null ? null : { head: this.head, revision: String(this.revision) };
  }

  decide(server: number, head: Head, after: string | null): DecisionResult {
    const { lock, flaws } = this;
    const isFenced = lock === null || lock.holder !== server || lock.term !== head.term || lock.until <= this.now();
    if (isFenced && flaws.ignoresLock !== true) return { kind: 'fenced' };
    if (after !== (this.head === null ? null : String(this.revision)) && flaws.ignoresRevision !== true) return { kind: 'moved' };
    const before = this.head;
    this.head = head;
    this.revision += 1;
    this.made(server, head, before);
    return { kind: 'made', revision: String(this.revision) };
  }
}
