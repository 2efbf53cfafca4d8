import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { requestMetrics, type ServedRequest } from '../../http/request-metrics.js';
import type { Clock } from '../../../ports/clock.js';
import type { Automation } from '../automation/automation.js';
import type { Pool } from '../pool/pool.js';
import type { ApiSettings } from '../settings.js';
import type { Traces } from './tracing.js';

const PREFIX = 'git_kv_api_';

/** What is counted, and how it is told. */
export interface Measured {
  readonly pool: Pick<Pool, 'stats' | 'transactions'>;
  readonly automation: Pick<Automation, 'commands' | 'webhooks' | 'builds'>;
  readonly traces: Pick<Traces, 'tracing'>;
  readonly streams: { readonly open: number; readonly cut: number };
  readonly clock: Clock;
  readonly startedAt: number;
  readonly settings: Pick<ApiSettings, 'metricsAliasPrefix'>;
}

/** What Prometheus is told. */
export interface ApiMetrics {
  readonly contentType: string;
  observe(request: ServedRequest): void;
  text(): Promise<string>;
}

/** The families of a server: of requests, of what it holds, of the process and its event loop. */
export function apiMetrics({ pool, automation, clock, startedAt, settings, traces, streams }: Measured): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    new Gauge({
      ...{ name: PREFIX + name, help, registers },
      async collect() {
        this.set(await value());
      },
    });
  gauge('repositories_total', 'Repositories that there are', () => pool.stats().total);
  gauge('repositories_open', 'Repositories that are open', () => pool.stats().open);
  gauge('transactions_active', 'Transactions that are open', () => pool.transactions());
  gauge('commands_running', 'Commands that run', () => automation.commands.atWork);
  gauge('webhook_deliveries_pending', 'Deliveries that are under way', () => automation.webhooks.underWay);
  gauge('container_builds_unfinished', 'Builds that run or wait', () => automation.builds.unfinished);
  gauge('streams_open', 'Event streams that are being written', () => streams.open);
  gauge('streams_cut_total', 'Event streams that were cut off since the start: their clients did not read', () => streams.cut);
  gauge('trace_spans_lost', 'Spans that could not be delivered', () => traces.tracing.lost);
  gauge('uptime_seconds', 'Since the start', () => (clock.now() - startedAt) / 1000);
  return {
    contentType: registry.contentType,
    observe: requestMetrics('git_kv_api', registry),
    text: async () => withAliases(await registry.metrics(), settings.metricsAliasPrefix),
  };
}

/** Every family a second time under another prefix, for dashboards that know it by that; empty for none. */
export function withAliases(text: string, prefix: string): string {
  if (prefix === '') return text;
  const own = text.split('\n').filter((line) => FAMILY.test(line));
  return `${text}${own.map((line) => line.replace(FAMILY, `$1${prefix}`)).join('\n')}\n`;
}

const FAMILY = new RegExp(`^(# (?:HELP|TYPE) )?${PREFIX}`);
