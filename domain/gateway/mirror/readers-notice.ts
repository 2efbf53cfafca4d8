import type { Clock } from '../../../ports/clock.js';
import { formatTime } from '../../ledger/value/metadata.js';
import type { MirrorRefusal, MirrorRefusals } from '../../ledger/mirror-refusals.js';
import type { Refusal } from './retry-delay.js';

/** How long a namespace is refused before readers are told, ms: by then whatever passes by itself was tried again, several times. */
const TELL_AFTER_MS = 30_000;
/** What could not be published is tried again after so long, ms. */
const AGAIN_MS = 30_000;

/** What the mirror refuses, as the worker knows it. */
export interface RefusedNamespaces {
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Whether it is yet to be seen if the mirror takes a namespace that is not refused just now. */
  isOpen(ns: string): boolean;
}

/**
 * What readers of the mirror are told of the namespaces that it refuses. It is published with the policy, whose ref reaches the mirror by
 * a push of its own; nothing is published twice, nor for a refusal that passes at once.
 */
export class ReadersNotice {
  private told: MirrorRefusals = new Map();
  private isPublished = true;
  private notBefore = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    /** Publishes what `refusals` gives then. */
    private readonly publish: () => Promise<void>,
    private readonly tellAfterMs = TELL_AFTER_MS,
  ) {}

  /** What is published, or to be. */
  get refusals(): MirrorRefusals {
    return this.told;
  }

  /** Takes up what an earlier term has published: it stands until the mirror is seen to take the namespaces again. */
  begin(published: MirrorRefusals): void {
    this.told = published;
  }

  /** Milliseconds until there is something to publish; 0 when there is, infinite while nothing is refused. */
  dueIn(now: RefusedNamespaces): number {
    const time = this.clock.now();
    if (!this.isPublished || !sameNamespaces(this.wanted(now), this.told)) return Math.max(0, this.notBefore - time);
    const untold = [...now.refused].filter(([ns]) => !this.told.has(ns));
    return untold.reduce((least, [, { since }]) => Math.min(least, since + this.tellAfterMs - time), Number.POSITIVE_INFINITY);
  }

  /** Publishes what is to be told now. Throws what publishing throws; it is due again after a while then. */
  async tell(now: RefusedNamespaces): Promise<void> {
    this.told = this.wanted(now);
    this.isPublished = false;
    this.notBefore = this.clock.now() + AGAIN_MS;
    await this.publish();
    this.isPublished = true;
    this.notBefore = Number.NEGATIVE_INFINITY;
  }

  private wanted({ refused, isOpen }: RefusedNamespaces): Map<string, MirrorRefusal> {
    const wanted = new Map([...this.told].filter(([ns]) => refused.has(ns) || isOpen(ns)));
    const ripe = this.clock.now() - this.tellAfterMs;
    for (const [ns, { since, error }] of refused) {
      if (!wanted.has(ns) && since <= ripe) wanted.set(ns, { since: formatTime(since), code: error.code });
    }
    return wanted;
  }
}

/** An entry never changes while it stands. */
const sameNamespaces = (a: MirrorRefusals, b: MirrorRefusals): boolean =>
  a.size === b.size && [...a.keys()].every((ns) => b.has(ns));
