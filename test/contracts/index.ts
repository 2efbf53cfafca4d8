/** `git-kv/testing`: one suite a port, for the authors of adapters. Run them under mocha. */
export * from './chunker.js';
export * from './fetch-record.js';
export * from './git-remote.js';
export * from './git-store.js';
export * from './journal.js';
export * from './leader-lock.js';
export * from './mirror-target.js';
