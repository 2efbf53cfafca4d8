import type { OpenAdapter, Tracing } from '../../ports/index.js';
import type { Config } from './config.js';
import { OtelTracing } from './otel-tracing.js';
import { loadSdk } from './sdk.js';

export { Config } from './config.js';

/** Records spans with OpenTelemetry's SDK. Throws `CONFIG_INVALID`, with how to install it, where that is missing. */
export const open: OpenAdapter<Config, Tracing> = async (config) => new OtelTracing(await loadSdk(), config);
