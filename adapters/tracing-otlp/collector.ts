import type { AttributeValue } from '../../ports/index.js';
import type { Destination } from './destination.js';

/** A span that has ended. Times are milliseconds since 1970. */
export interface EndedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'client' | 'server';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly failed: boolean;
}

/** Where spans go that have ended. */
export interface SpanSink {
  /** How many it has not got rid of. */
  readonly lost: number;
  add(span: EndedSpan): void;
  /** Sends all that waits. Never rejects. */
  flush(): Promise<void>;
}

/** OTLP's numbers for these (opentelemetry/proto/trace/v1). */
const KINDS = { internal: 1, server: 2, client: 3 } as const;
const STATUS = { ok: 1, failed: 2 } as const;

/** More than this in one request, or in memory, and the rest is dropped. */
const BATCH = 256;
const MOST_WAITING = 2048;
/** How long what has ended waits for company, milliseconds. */
const SEND_EVERY_MS = 1000;

/** Collects ended spans and posts them, in batches, as OTLP's JSON. */
export class Collector implements SpanSink {
  /** Spans that were dropped, or not taken. */
  lost = 0;
  private waiting: EndedSpan[] = [];
  private sending: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly to: Destination) {}

  add(span: EndedSpan): void {
    if (this.waiting.length >= MOST_WAITING) {
      this.lost++;
      return;
    }
    this.waiting.push(span);
    this.timer ??= setTimeout(() => void this.flush(), SEND_EVERY_MS).unref();
  }

  /** Sends all that waits, one request after the other. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending = this.sending.then(async () => {
      while (this.waiting.length > 0) await this.post(this.waiting.splice(0, BATCH));
    });
    return this.sending;
  }

  private async post(spans: readonly EndedSpan[]): Promise<void> {
    const { url, headers, timeoutMs, service } = this.to;
    try {
      const answer = await fetch(url, {
        ...{ method: 'POST', redirect: 'error', signal: AbortSignal.timeout(timeoutMs) },
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(document(service, spans)),
      });
      await answer.body?.cancel();
      if (!answer.ok) this.lost += spans.length;
    } catch {
      this.lost += spans.length; // nobody there, or too slow: spans are worth no second try, and the count tells
    }
  }
}

function document(service: string, spans: readonly EndedSpan[]): object {
  const resource = { attributes: attributeList({ 'service.name': service }) };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'git-kv' }, spans: spans.map(spanDocument) }] }] };
}

function spanDocument({ traceId, spanId, parentId, name, kind, startedAt, endedAt, attributes, failed }: EndedSpan): object {
  return {
    ...{ traceId, spanId, name, kind: KINDS[kind] },
    ...(parentId === null ? {} : { parentSpanId: parentId }),
    ...{ startTimeUnixNano: nanoseconds(startedAt), endTimeUnixNano: nanoseconds(Math.max(startedAt, endedAt)) },
    attributes: attributeList(attributes),
    status: { code: failed ? STATUS.failed : STATUS.ok },
  };
}

/** A number of that size is text in JSON. */
const nanoseconds = (ms: number): string => (BigInt(Math.round(ms * 1000)) * 1000n).toString();

const attributeList = (attributes: Readonly<Record<string, AttributeValue>>): object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: valueDocument(value) }));

function valueDocument(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
}
