import type { IntentRecord } from '../../../ports/stargate/journal.js';
import { NO_SPAN, type Span } from '../../../ports/tracing.js';

/** More than these wait for the mirror only while it is away for long: then nobody looks at one of them by itself. */
const MOST = 10_000;

/**
 * The spans of what waits for the mirror: one a transaction, in the trace of the push that brought it, from its commit until the mirror
 * shows it. They live as long as this process: what a restart finds in the journal belongs to no trace any more.
 */
export class MirrorTraces {
  private readonly spans = new Map<string, Span>();
  private readonly tries = new Map<string, number>();

  /** An intent begins to wait. */
  begin({ id, events }: IntentRecord, commit: Span): void {
    if (commit.context === null || this.spans.size >= MOST) return;
    const facts = { txn: events.map(({ txn }) => txn), ns: [...new Set(events.map(({ ns }) => ns))] };
    const span = commit.child('stargate.mirror', { facts });
    if (span !== NO_SPAN) this.spans.set(id, span);
  }

  /** A push of all these did not reach the mirror. */
  failed(ids: Iterable<string>): void {
    if (this.spans.size === 0) return;
    for (const id of ids) if (this.spans.has(id)) this.tries.set(id, (this.tries.get(id) ?? 0) + 1);
  }

  /** The mirror shows them, since the push that began at `startedAt`, ms. */
  landed(done: readonly IntentRecord[], startedAt: number): void {
    if (this.spans.size === 0) return;
    for (const { id } of done) {
      const span = this.spans.get(id);
      if (span === undefined) continue;
      span.child('stargate.mirror.push', { startedAt, facts: { batch: done.length } }).end();
      span.note({ code: 'OK', retries: this.tries.get(id) ?? 0 });
      span.end();
      this.forget(id);
    }
  }

  /** Nobody pushes any more: what waits is another process's to send. */
  stop(why: unknown): void {
    for (const span of this.spans.values()) span.end(why);
    this.spans.clear();
    this.tries.clear();
  }

  private forget(id: string): void {
    this.spans.delete(id);
    this.tries.delete(id);
  }
}
