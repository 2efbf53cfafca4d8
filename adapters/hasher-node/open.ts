import type { Hasher, OpenAdapter } from '../../ports/index.js';
import { nodeHasher } from './node-hasher.js';

export { nodeHasher } from './node-hasher.js';

/** Opens Node's hashes, and BLAKE3. */
export const open: OpenAdapter<undefined, Hasher> = async () => nodeHasher();
