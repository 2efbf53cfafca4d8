import { type CloneConfig, KvError, type AdapterContext, type OpenAdapter, type Tracing } from '../../ports/index.js';
import { Collector } from './collector.js';
import { destinationOf } from './destination.js';
import { OtlpTracing } from './otlp-tracing.js';

export { Collector, type EndedSpan, type SpanSink } from './collector.js';
export { destinationOf } from './destination.js';
export { OtlpTracing } from './otlp-tracing.js';

/**
 * Opens what records spans and sends them by itself, without the SDK: in OTLP's JSON, over HTTP, to where `kv.tracing` of the clone or the
 * environment's OTEL_EXPORTER_OTLP_* say. With neither, spans are told to the other side and sent nowhere.
 */
export const open: OpenAdapter<undefined, Tracing> = async (_config, context) => {
  const destination = destinationOf(context.env, await configured(context));
  return new OtlpTracing(destination === null ? null : new Collector(destination));
};

/** What a clone says; a daemon has none. */
async function configured(context: AdapterContext): Promise<string | undefined> {
  try {
    return (await context.get<CloneConfig>('clone-config')).get('kv.tracing');
  } catch (error) {
    if (KvError.is(error) && error.code === 'CONFIG_INVALID') return undefined; // its profile names no clone's configuration
    throw error;
  }
}
