/** Where a span stands, as another process is told it (W3C Trace Context, version 00). */
export interface TraceContext {
  /** 32 hex digits, lower case. */
  readonly traceId: string;
  /** 16 hex digits, lower case. */
  readonly spanId: string;
  /** Whoever sent it records its spans. */
  readonly sampled: boolean;
}

/** A `traceparent` of version 00 is exactly that long; one of a later version may go on behind a dash. Characters. */
const LENGTH_00 = 55;
const MOST = 512;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** Reads a `traceparent`; null for what is none, which is to be ignored and never shown: it is a stranger's text. */
export function parseTraceparent(text: string): TraceContext | null {
  if (text.length < LENGTH_00 || text.length > MOST) return null;
  const [, version, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && text.length !== LENGTH_00)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` of version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** The push option in which a client says what its push belongs to. */
const OPTION = 'traceparent=';

/** The push option that carries a context. */
export const traceOption = (context: TraceContext): string => `${OPTION}${formatTraceparent(context)}`;

/** The context that push options carry: of the first that has one. */
export function traceInOptions(options: readonly string[]): TraceContext | null {
  for (const option of options) {
    const context = option.startsWith(OPTION) ? parseTraceparent(option.slice(OPTION.length)) : null;
    if (context !== null) return context;
  }
  return null;
}
