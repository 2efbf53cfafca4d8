/** `git-kv/testing`: one suite a port, for the authors of adapters. Run them under mocha. */
export * from './bundle-archive.js';
export * from './chunker.js';
export * from './git-service.js';
export * from './git-store.js';
export * from './journal.js';
export * from './leader-lock.js';
export * from './host-parts/bench.js';
export * from './mirror-target.js';
export * from './repository-host.js';
export * from './repository-upkeep.js';
