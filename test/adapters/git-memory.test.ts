import { GIT_MEMORY_CAPABILITIES, GitMemoryStore } from '../../adapters/git-memory/store.js';
import { gitStoreContract } from '../contracts/git-store.js';

gitStoreContract('git-memory', GIT_MEMORY_CAPABILITIES, async (format) => ({ store: new GitMemoryStore(format) }));
