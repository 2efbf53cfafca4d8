import type { Metrics } from '../metrics.js';

/** The metrics of one repository among several. */
export interface OwnMetrics {
  readonly metrics: Metrics;
  /** It is closed: what it had counts no more. */
  forget(): void;
}

type Gauge = 'mirrorBacklog' | 'mirrorRefused' | 'behindMirror' | 'turnsWaiting' | 'intentsWaiting' | 'intentStreams';
type Flag = 'role' | 'policyRejected';

const GAUGES: readonly Gauge[] = [
  'mirrorBacklog',
  'mirrorRefused',
  'behindMirror',
  'turnsWaiting',
  'intentsWaiting',
  'intentStreams',
];

/**
 * The metrics of a daemon with many repositories, told by each as if it were alone. Counters and histograms count all of them; gauges are
 * the sums over the repositories that are open, and what is yes or no is yes where it is of any. A label for each repository would make a
 * thousand series of each; which of them it is, the log and `status` say.
 */
export class SummedMetrics {
  private readonly told = new Map<Gauge | Flag, Map<string, number>>();

  constructor(private readonly all: Metrics) {}

  /** How many repositories say yes. */
  count(what: Flag): number {
    return this.sum(what);
  }

  /** Those of one repository. */
  of(repository: string): OwnMetrics {
    const { all } = this;
    const set = (what: Gauge | Flag, value: number): void => {
      const values = this.told.get(what) ?? new Map<string, number>();
      this.told.set(what, values.set(repository, value));
      this.tell(what);
    };
    let left: () => void = () => undefined;
    const gauges = Object.fromEntries(GAUGES.map((what) => [what, (value: number) => set(what, value)])) as Pick<Metrics, Gauge>; // one each
    return {
      metrics: {
        ...all,
        ...gauges,
        role: (leader) => set('role', leader ? 1 : 0),
        policyRejected: (rejected) => set('policyRejected', rejected ? 1 : 0),
        cluster: (read) => {
          left = all.cluster(read);
          return left;
        },
        ready: () => undefined, // of the mirrors of many there is no one answer
      },
      forget: () => {
        left();
        for (const [what, values] of this.told) if (values.delete(repository)) this.tell(what);
      },
    };
  }

  private tell(what: Gauge | Flag): void {
    const sum = this.sum(what);
    if (what === 'role' || what === 'policyRejected') this.all[what](sum > 0);
    else this.all[what](sum);
  }

  private sum(what: Gauge | Flag): number {
    return [...(this.told.get(what)?.values() ?? [])].reduce((sum, value) => sum + value, 0);
  }
}
