import {
  type Context,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import {
  attributesOf,
  type AttributeValue,
  codeOf,
  type Span,
  type SpanFacts,
  type SpanName,
  SPANS,
  type SpanStart,
  type TraceStart,
  type Tracing,
} from '../../ports/index.js';
import { type CountingExporter, countingExporter } from './counting-exporter.js';
import type { Config } from './config.js';
import type { Sdk } from './sdk.js';

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

/** How long the end waits for a collector, milliseconds. */
const PATIENCE_MS = 3000;

/** Spans by OpenTelemetry's SDK, with a provider of its own: nothing of the process's global state is touched. */
export class OtelTracing implements Tracing {
  readonly isOn = true;
  private readonly provider: { shutdown(): Promise<void> };
  private readonly tracer: Tracer;
  private readonly exporter: CountingExporter;
  private closing: Promise<void> | undefined;

  constructor({ node, resources, exporters }: Sdk, { endpoint, protocol, ratio, service }: Config) {
    const Exporter = exporters[protocol]();
    this.exporter = countingExporter(
      new Exporter(endpoint === undefined ? {} : { url: `${endpoint.replace(/\/$/, '')}/v1/traces` }),
    );
    const told = resources.detectResources({ detectors: [resources.envDetector] });
    const provider = new node.NodeTracerProvider({
      resource: resources.resourceFromAttributes({ 'service.name': service }).merge(told),
      sampler: new node.ParentBasedSampler({ root: new node.TraceIdRatioBasedSampler(ratio) }),
      spanProcessors: [new node.BatchSpanProcessor(this.exporter)],
    });
    this.provider = provider;
    this.tracer = provider.getTracer('git-kv');
  }

  get lost(): number {
    return this.exporter.lost;
  }

  begin(name: SpanName, { parent = null, ...start }: TraceStart = {}): Span {
    if (parent === null) return this.span(name, ROOT_CONTEXT, start);
    const { traceId, spanId, sampled } = parent;
    const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
    return this.span(name, trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true }), start);
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    const shut = this.provider.shutdown().catch(() => undefined); // what was not taken is counted
    await Promise.race([shut, patience]);
    this.exporter.giveUp();
    clearTimeout(timer);
  }

  private span(name: SpanName, within: Context, { facts = {}, startedAt }: SpanStart): Span {
    const kind = KINDS[SPANS[name]];
    const begun = this.tracer.startSpan(
      name,
      { kind, attributes: otelAttributes(facts), ...(startedAt === undefined ? {} : { startTime: startedAt }) },
      within,
    );
    const { traceId, spanId, traceFlags } = begun.spanContext();
    return {
      context: { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
      child: (child, start = {}) => this.span(child, trace.setSpan(within, begun), start),
      note: (more) => void begun.setAttributes(otelAttributes(more)),
      end: (error, endedAt) => end(begun, error, endedAt),
    };
  }
}

function end(span: OtelSpan, error: unknown, endedAt: number | undefined): void {
  if (!span.isRecording()) return; // it has ended, or nothing of it is kept
  if (error !== undefined) span.setAttributes(otelAttributes({ code: codeOf(error) }));
  span.setStatus({ code: error === undefined ? SpanStatusCode.OK : SpanStatusCode.ERROR });
  span.end(endedAt);
}

/** OpenTelemetry's lists are not readonly to the compiler. */
function otelAttributes(facts: SpanFacts): Record<string, string | number | string[]> {
  const own = (value: AttributeValue): string | number | string[] => (typeof value === 'object' ? [...value] : value);
  return Object.fromEntries(Object.entries(attributesOf(facts)).map(([name, value]) => [name, own(value)]));
}
