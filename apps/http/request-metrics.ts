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

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts requests and their durations under `<name>_http_…`, by the patterns of routes as paths: as many series as there are, whatever clients ask for. */
export function requestMetrics(name: string, registry: Registry): (request: ServedRequest) => void {
  const registers = [registry];
  const requests = new Counter({
    ...{ name: `${name}_http_requests_total`, help: 'Requests answered, by route and status', registers },
    labelNames: ['method', 'path', 'status'],
  });
  const duration = new Histogram({
    ...{ name: `${name}_http_request_duration_seconds`, help: 'Duration of a request, by route', registers, buckets: SECONDS },
    labelNames: ['method', 'path'],
  });
  return ({ method, route, status, ms }) => {
    const labels = { method: METHODS.includes(method) ? method : 'other', path: route ?? 'none' };
    requests.inc({ ...labels, status });
    duration.observe(labels, ms / 1000);
  };
}
