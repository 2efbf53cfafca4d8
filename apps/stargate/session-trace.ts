import type { TraceContext } from '../../ports/grammar/trace-context.js';
import type { Span, SpanFacts, SpanName, Tracing } from '../../ports/tracing.js';

/**
 * The span of one exec request. It begins when it is known what it goes on from, which a push says behind its commands, and is told to
 * have begun with the request.
 */
export class SessionTrace {
  private readonly startedAt = performance.timeOrigin + performance.now();
  private begun: Span | undefined;
  private error: unknown;

  constructor(
    private readonly tracing: Tracing,
    private readonly facts: SpanFacts,
  ) {}

  /** The span, which begins now: a part of what the client has named. Only the first call says of what. */
  from(parent: TraceContext | null): Span {
    this.begun ??= this.tracing.begin('stargate.session', { parent, facts: this.facts, startedAt: this.startedAt });
    return this.begun;
  }

  /** A piece of the request that its client says belongs elsewhere; null: a part of the request itself. */
  part(name: SpanName, parent: TraceContext | null): Span {
    if (parent === null) return this.from(null).child(name);
    return this.tracing.begin(name, { parent, facts: this.facts });
  }

  /** The trace's name, for the log; undefined before it begins, and where it has none. */
  get id(): string | undefined {
    return this.begun?.context?.traceId;
  }

  note(facts: SpanFacts): void {
    this.from(null).note(facts);
  }

  /** Why the client was refused. */
  refused(error: unknown): void {
    this.error ??= error;
  }

  end(): void {
    this.from(null).end(this.error);
  }
}
