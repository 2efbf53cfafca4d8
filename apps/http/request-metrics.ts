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
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** More than any status. */
const STATUSES = 1000;

/** What is counted of a route. A request adds to numbers here, and the library is told when somebody looks: its labels cost more than the rest. */
class RouteCounts {
  /** By method and status. */
  readonly requests = new Map<number, number>();
  /** Not cumulative; the last is of those that took longer. */
  readonly buckets = new Float64Array(SECONDS.length + 1);
  seconds = 0;

  add(method: string, status: number, seconds: number): void {
    const at = METHODS.indexOf(method);
    const key = (at < 0 ? METHODS.length - 1 : at) * STATUSES + status;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
    let bucket = 0;
    while (bucket < SECONDS.length && seconds > (SECONDS[bucket] as number)) bucket++;
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
    this.seconds += seconds;
  }
}

type Routes = ReadonlyMap<string, RouteCounts>;

class Requests extends Counter<'method' | 'route' | 'status'> {
  constructor(
    name: string,
    registry: Registry,
    private readonly routes: Routes,
  ) {
    const labelNames = ['method', 'route', 'status'] as const;
    super({ name: `${name}_total`, help: 'Requests answered, by route and status', registers: [registry], labelNames });
  }

  override async get(): ReturnType<Counter<'method' | 'route' | 'status'>['get']> {
    const values = [...this.routes].flatMap(([route, { requests }]) =>
      [...requests].map(([key, value]) => {
        const method = METHODS[Math.floor(key / STATUSES)] as string;
        return { value, labels: { method, route, status: key % STATUSES } };
      }),
    );
    return { ...(await super.get()), values };
  }
}

class Durations extends Histogram<'route'> {
  constructor(
    private readonly metric: string,
    registry: Registry,
    private readonly routes: Routes,
  ) {
    const registers = [registry];
    super({ name: metric, help: 'Duration of a request, by route', registers, buckets: SECONDS, labelNames: ['route'] });
  }

  override async get(): ReturnType<Histogram<'route'>['get']> {
    const values = [...this.routes].flatMap(([route, { buckets, seconds }]) => {
      let count = 0;
      const each = [...buckets].map((of, i) => {
        count += of;
        return { metricName: `${this.metric}_bucket`, labels: { le: SECONDS[i] ?? '+Inf', route }, value: count };
      });
      return [
        ...each,
        { metricName: `${this.metric}_sum`, labels: { route }, value: seconds },
        { metricName: `${this.metric}_count`, labels: { route }, value: count },
      ];
    });
    return { ...(await super.get()), values };
  }
}

/** Counts requests and their durations under `<name>_http_…`; as many series as there are routes, whatever clients ask for. */
export function requestMetrics(name: string, registry: Registry): (request: ServedRequest) => void {
  const routes = new Map<string, RouteCounts>();
  new Requests(`${name}_http_requests`, registry, routes);
  new Durations(`${name}_http_request_seconds`, registry, routes);
  return ({ method, route, status, ms }) => {
    let counts = routes.get(route ?? 'none');
    if (counts === undefined) {
      counts = new RouteCounts();
      routes.set(route ?? 'none', counts);
    }
    counts.add(method, status, ms / 1000);
  };
}
