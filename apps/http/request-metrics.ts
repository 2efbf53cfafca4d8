import { Counter, Histogram, type Registry } from 'prom-client';

/** A request that was answered, or whose client went away. */
export interface ServedRequest {
  readonly id: string;
  readonly method: string;
  /** The route's pattern with its mount's prefix; null when no route has the path. Never the path itself, which clients choose. */
  readonly route: string | null;
  readonly status: number;
  readonly ms: number;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'];
const DURATION = 'Duration of a request, by route';
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * What is counted of a route and method. A request adds to numbers here, and the library has them when somebody looks: to find its labels'
 * place takes longer than all the rest.
 */
class RouteCounts {
  readonly statuses = new Map<number, number>();
  /** Not cumulative; the last is of those that took longer. */
  readonly buckets = new Float64Array(SECONDS.length + 1);
  seconds = 0;

  constructor(readonly labels: { readonly method: string; readonly path: string }) {}

  add(status: number, seconds: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    let bucket = 0;
    while (bucket < SECONDS.length && seconds > (SECONDS[bucket] as number)) bucket++;
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
    this.seconds += seconds;
  }
}

class Requests extends Counter<'method' | 'path' | 'status'> {
  constructor(
    name: string,
    registry: Registry,
    private readonly counts: readonly RouteCounts[],
  ) {
    const labelNames = ['method', 'path', 'status'] as const;
    super({ name, help: 'Requests answered, by route and status', registers: [registry], labelNames });
  }

  override async get(): ReturnType<Counter<'method' | 'path' | 'status'>['get']> {
    const values = this.counts.flatMap(({ labels, statuses }) =>
      [...statuses].map(([status, value]) => ({ value, labels: { ...labels, status } })),
    );
    return { ...(await super.get()), values };
  }
}

class Durations extends Histogram<'method' | 'path'> {
  constructor(
    private readonly metric: string,
    registry: Registry,
    private readonly counts: readonly RouteCounts[],
  ) {
    const labelNames = ['method', 'path'] as const;
    super({ name: metric, help: DURATION, registers: [registry], buckets: SECONDS, labelNames });
  }

  /** What the library's own `get` and its text are made of, though its types don't know it. */
  async getForPromString(): Promise<object> {
    const values = this.counts.flatMap(({ labels, buckets, seconds }) => {
      let count = 0;
      const each = [...buckets].map((of, i) => {
        count += of;
        return { metricName: `${this.metric}_bucket`, labels: { le: SECONDS[i] ?? '+Inf', ...labels }, value: count };
      });
      return [
        ...each,
        { metricName: `${this.metric}_sum`, labels, value: seconds },
        { metricName: `${this.metric}_count`, labels, value: count },
      ];
    });
    return { name: this.metric, help: DURATION, type: 'histogram', aggregator: 'sum', values };
  }
}

/** Counts requests and their durations under `<name>_http_…`, by the patterns of routes as paths: as many series as there are, whatever clients ask for. */
export function requestMetrics(name: string, registry: Registry): (request: ServedRequest) => void {
  const all: RouteCounts[] = [];
  /** By path, and then by the place of the method. */
  const known = new Map<string, (RouteCounts | undefined)[]>();
  new Requests(`${name}_http_requests_total`, registry, all);
  new Durations(`${name}_http_request_duration_seconds`, registry, all);
  return ({ method, route, status, ms }) => {
    const path = route ?? 'none';
    let methods = known.get(path);
    if (methods === undefined) {
      methods = [];
      known.set(path, methods);
    }
    const found = METHODS.indexOf(method);
    const at = found < 0 ? METHODS.length - 1 : found;
    let counts = methods[at];
    if (counts === undefined) {
      counts = new RouteCounts({ method: METHODS[at] as string, path });
      methods[at] = counts;
      all.push(counts);
    }
    counts.add(status, ms / 1000);
  };
}
