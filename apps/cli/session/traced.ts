import type { Clone } from '../../../domain/client/clone/clone.js';
import { KvError } from '../../../ports/error.js';
import { parseTraceparent, type TraceContext } from '../../../ports/grammar/trace-context.js';
import { NO_SPAN, type Span, type Tracing } from '../../../ports/tracing.js';
import { warn } from '../io/terminal.js';
import type { Session } from './session.js';

/**
 * Runs a write, in a span where TRACEPARENT or `kv.tracing` asks for one, so that a trace shows it whole: this command, and what the
 * Stargate does for it. What is sent is sent once the write is over, and a collector that is away is said so and breaks nothing.
 */
export async function traced<R>(session: Session, write: (clone: Clone, span: Span) => Promise<R>): Promise<R> {
  const { clone, composition, ns } = session;
  const parent = parentOf(clone.config.get('kv.tracing'));
  if (parent === undefined) return write(clone, NO_SPAN);
  const tracing = await composition.get<Tracing>('tracing');
  const span = tracing.begin('git-kv.write', { parent, facts: { ns: [ns] } });
  try {
    const done = await write({ ...clone, span }, span);
    span.end();
    return done;
  } catch (error) {
    span.end(error);
    throw error;
  } finally {
    await tracing.close();
    if (tracing.lost > 0)
      warn(`${tracing.lost} spans of this command could not be sent to where kv.tracing or OTEL_EXPORTER_OTLP_ENDPOINT says`);
  }
}

/** What a write goes on from, null for nothing; undefined where nobody wants it traced. Throws `CONFIG_INVALID`. */
function parentOf(configured: string | undefined): TraceContext | null | undefined {
  const asked = configured !== undefined && isOn(configured);
  if (configured !== undefined && !asked) return undefined;
  // A stranger may have set it: what can't be read is not shown.
  const parent = parseTraceparent(process.env['TRACEPARENT'] ?? '');
  return parent ?? (asked ? null : undefined);
}

function isOn(text: string): boolean {
  if (/^(?:true|yes|on|1|)$/i.test(text) || /^https?:\/\//.test(text)) return true;
  if (/^(?:false|no|off|0)$/i.test(text)) return false;
  throw new KvError('CONFIG_INVALID', 'kv.tracing is neither true, false, nor an HTTP address', {
    hint: 'git config kv.tracing http://localhost:4318',
  });
}
