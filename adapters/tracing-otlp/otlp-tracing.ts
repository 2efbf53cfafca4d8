import { randomBytes } from 'node:crypto';
import {
  attributesOf,
  codeOf,
  type Span,
  type SpanFacts,
  type SpanName,
  SPANS,
  type SpanStart,
  type TraceContext,
  type TraceStart,
  type Tracing,
} from '../../ports/index.js';
import type { SpanSink } from './collector.js';

/** Records spans, and sends them to a collector; null: to nobody, so that only their contexts are of use. */
export class OtlpTracing implements Tracing {
  readonly isOn = true;
  private closed = false;

  constructor(private readonly collector: SpanSink | null) {}

  get lost(): number {
    return this.collector?.lost ?? 0;
  }

  begin(name: SpanName, { parent = null, ...start }: TraceStart = {}): Span {
    if (parent !== null && !parent.sampled) return passedOn(parent);
    return this.span(name, parent, start);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.collector?.flush();
  }

  private span(name: SpanName, parent: TraceContext | null, { facts = {}, startedAt = now() }: SpanStart): Span {
    const traceId = parent?.traceId ?? randomBytes(16).toString('hex');
    const context: TraceContext = { traceId, spanId: randomBytes(8).toString('hex'), sampled: true };
    let known: SpanFacts = facts;
    let ended = false;
    return {
      context,
      child: (child, start = {}) => this.span(child, context, start),
      note(more) {
        if (!ended) known = { ...known, ...more };
      },
      end: (error, endedAt = now()) => {
        if (ended || this.closed) return;
        ended = true;
        const attributes = attributesOf(error === undefined ? known : { ...known, code: codeOf(error) });
        this.collector?.add({
          ...{ traceId, spanId: context.spanId, parentId: parent?.spanId ?? null, name, kind: SPANS[name] },
          ...{ startedAt, endedAt, attributes, failed: error !== undefined },
        });
      },
    };
  }
}

const now = (): number => performance.timeOrigin + performance.now();

/** The span of who has said that nothing of this trace is recorded: it is told on. */
function passedOn(context: TraceContext): Span {
  const span: Span = { context, child: () => span, note: () => undefined, end: () => undefined };
  return span;
}
