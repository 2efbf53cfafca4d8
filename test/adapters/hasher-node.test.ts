import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { hasherContract } from '../contracts/hasher.js';

hasherContract('hasher-node', async () => nodeHasher());
