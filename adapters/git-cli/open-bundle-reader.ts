import type { BundleReader, OpenAdapter } from '../../ports/index.js';
import { openBundleReader } from './objects/bundle-reader.js';

export { openBundleReader } from './objects/bundle-reader.js';

/** Opens what reads bundles into the clone. Throws `GIT_ERROR` when there is none. */
export const open: OpenAdapter<undefined, BundleReader> = (_config, { directory, env }) => openBundleReader({ directory, env });
