import type { Log } from '../../apps/stargate/log.js';

/** A log that nobody reads. */
export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
