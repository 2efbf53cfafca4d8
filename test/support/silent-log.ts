import type { Log } from '../../apps/stargate/log/log.js';

/** A log that nobody reads. */
export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
