import { createRequire } from 'node:module';
import type { node, resources, tracing } from '@opentelemetry/sdk-node';
import { KvError } from '../../ports/index.js';

/** The version that this was written for. */
const PACKAGE = '@opentelemetry/sdk-node';
const VERSION = '0.223.0';

/** Makes an exporter of spans. */
type ExporterClass = new (options: { readonly url?: string }) => tracing.SpanExporter;

/** What is used of the SDK. */
export interface Sdk {
  readonly node: typeof node;
  readonly resources: typeof resources;
  readonly exporters: Readonly<Record<'http/protobuf' | 'http/json', () => ExporterClass>>;
}

/**
 * Imports the SDK: an optional package, which takes a tenth of a second, and nobody's time who names another adapter. Its exporters are its own
 * dependencies, and lie wherever it lies.
 */
export async function loadSdk(): Promise<Sdk> {
  try {
    const { node, resources } = await import('@opentelemetry/sdk-node');
    const beside = createRequire(createRequire(import.meta.url).resolve(PACKAGE));
    const exporter = (name: string) => (): ExporterClass =>
      (beside(name) as { readonly OTLPTraceExporter: ExporterClass }).OTLPTraceExporter;
    return {
      ...{ node, resources },
      exporters: {
        'http/protobuf': exporter('@opentelemetry/exporter-trace-otlp-proto'),
        'http/json': exporter('@opentelemetry/exporter-trace-otlp-http'),
      },
    };
  } catch (cause) {
    throw new KvError(
      'CONFIG_INVALID',
      `tracing-otel needs the package ${PACKAGE}, which can't be loaded: ${(cause as Error).message}`,
      {
        cause,
        hint: `install it beside git-kv: npm install ${PACKAGE}@${VERSION} (with -g where git-kv is), or name tracing-otlp or tracing-none in the profile`,
      },
    );
  }
}
