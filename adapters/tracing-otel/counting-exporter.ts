import type { tracing } from '@opentelemetry/sdk-node';

/** An exporter that counts the spans which were not taken. */
export interface CountingExporter extends tracing.SpanExporter {
  readonly lost: number;
  /** Nobody waits any longer: what has no answer yet is counted as lost. */
  giveUp(): void;
}

/** Counts what another exporter does not get rid of. */
export function countingExporter(inner: tracing.SpanExporter): CountingExporter {
  let lost = 0;
  const unanswered = new Set<{ readonly spans: number }>();
  return {
    get lost() {
      return lost;
    },
    giveUp() {
      for (const { spans } of unanswered) lost += spans;
      unanswered.clear();
    },
    export(spans, done) {
      const sent = { spans: spans.length };
      unanswered.add(sent);
      inner.export(spans, (result) => {
        if (unanswered.delete(sent) && result.code !== 0) lost += spans.length;
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
    ...(inner.forceFlush === undefined ? {} : { forceFlush: () => inner.forceFlush?.() ?? Promise.resolve() }),
  };
}
