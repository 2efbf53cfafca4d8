import { KvError } from '../../../ports/error.js';
import { counted } from '../../../ports/grammar/counted.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import { ledgerRef } from '../../ledger/refs.js';
import type { Relation } from './continuation.js';
import { isPlainlyContained, namespacesOf, readSides, type Sides, type SidesContext, withRelations } from './relations.js';

/** Who is told when the mirror is found to be ahead of a namespace, and when it is so no more. */
export interface StandingObserver {
  behind(ns: string, error: KvError): void;
  caughtUp(ns: string): void;
}

/** How long a push waits for the first look at the mirror, ms: a mirror that can't be reached must not hold writes up for longer. */
const PATIENCE_MS = 5000;
/** While a namespace is behind, or the last look failed, when the next one is due, ms. */
const AGAIN_MS = 30_000;

/**
 * Whether the Stargate has all that it once accepted, as far as the mirror knows. One that was restored from an older backup has not:
 * the mirror's signed chain goes on from its own. Whatever it accepted then would fork the history, so it takes no write to such a
 * namespace until it has caught up, or the mirror was put back.
 */
export class MirrorStanding {
  private readonly found = new Map<string, KvError>();
  /** What was looked into last, so that the same is not verified again. */
  private readonly seen = new Map<string, { readonly key: string; readonly policy: Policy }>();
  private due = Number.POSITIVE_INFINITY;
  private settle: () => void = () => undefined;
  private isSettled = false;
  private readonly settled = new Promise<void>((resolve) => {
    this.settle = resolve;
  });

  constructor(
    private readonly context: SidesContext,
    private readonly observer: StandingObserver,
  ) {}

  /** The namespaces whose mirror is ahead, each with the error that a write to it gets. */
  get behind(): ReadonlyMap<string, KvError> {
    return this.found;
  }

  /** Milliseconds until the next look; 0 when it is due. */
  get dueIn(): number {
    return Math.max(0, this.due - this.context.clock.now());
  }

  /** Throws `BEHIND_MIRROR` for the first of these namespaces whose mirror is ahead. Waits for the first look, for a while. */
  async admit(namespaces: readonly string[]): Promise<void> {
    if (namespaces.length > 0 && !this.isSettled) await this.firstLook();
    for (const ns of namespaces) {
      const error = this.found.get(ns);
      if (error !== undefined) throw error;
    }
  }

  /** Compares the ledgers of both sides, and verifies what the mirror has beyond. `there`: its refs, where they were listed just now. Throws what the mirror throws. */
  async look(signal?: AbortSignal, there?: Sides['there']): Promise<void> {
    this.due = this.context.clock.now() + AGAIN_MS;
    try {
      const sides = await readSides(this.context, signal, there);
      const policy = this.context.policy();
      const open: string[] = [];
      for (const ns of namespacesOf(sides)) {
        if (!sides.here.has(ledgerRef(ns)) && !policy.namespaces.has(ns)) continue; // nobody may write there
        if (await isPlainlyContained(this.context, ns, sides)) this.note(ns, { kind: 'contained' });
        else if (!this.isSeen(ns, sides, policy)) open.push(ns);
      }
      if (open.length > 0) {
        await withRelations(this.context, { sides, namespaces: open }, async (relations) => {
          for (const [ns, relation] of relations) this.note(ns, relation);
        });
      }
      for (const ns of open) this.seen.set(ns, { key: keyOf(ns, sides), policy });
      if (this.found.size === 0) this.due = Number.POSITIVE_INFINITY;
    } finally {
      this.isSettled = true;
      this.settle();
    }
  }

  private isSeen(ns: string, sides: Sides, policy: Policy): boolean {
    const last = this.seen.get(ns);
    return last !== undefined && last.key === keyOf(ns, sides) && last.policy === policy;
  }

  private note(ns: string, relation: Relation): void {
    const before = this.found.get(ns);
    if (relation.kind !== 'ahead') {
      if (this.found.delete(ns)) this.observer.caughtUp(ns);
      return;
    }
    const error = behindMirror(ns, relation);
    this.found.set(ns, error);
    if (before?.message !== error.message) this.observer.behind(ns, error);
  }

  private async firstLook(): Promise<void> {
    const over = new AbortController();
    const patience = this.context.clock.sleep(PATIENCE_MS, over.signal).catch(() => undefined); // woken: the look has ended
    await Promise.race([this.settled, patience]);
    over.abort();
  }
}

const keyOf = (ns: string, { here, there }: Sides): string => `${here.get(ledgerRef(ns))} ${there.get(ledgerRef(ns))}`;

/** That a Stargate lacks what it, or another one, has accepted. */
function behindMirror(ns: string, { here, there, continuation, held }: Extract<Relation, { kind: 'ahead' }>): KvError {
  const count = continuation === null ? '' : ` by ${counted(continuation.events.length, 'transaction')}`;
  const why = held === null ? '' : `; it can't be taken over yet: ${held.message}`;
  return new KvError(
    'BEHIND_MIRROR',
    `namespace ${ns}: the mirror is ahead of this Stargate${count}: here ${here ?? 'nothing'}, there ${there}${why}`,
    {
      hint: 'the Stargate was put back to an older state: an admin has it take over what the mirror has',
      advice: { id: 'adopt-mirror', ns },
      details: { ns, here, there, transactions: continuation?.events.length ?? null },
    },
  );
}
