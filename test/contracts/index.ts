/** `git-kv/testing`: one suite a port, for the authors of adapters. Run them under mocha, beside chai. */
export * from './bundle-archive.js';
export * from './chunker.js';
export * from './clock.js';
export * from './fetch-record.js';
export * from './git-remote.js';
export * from './git-service.js';
export * from './git-store.js';
export * from './hasher.js';
export * from './host-parts/bench.js';
export * from './journal.js';
export * from './leader-lock.js';
export * from './mirror-target.js';
export * from './policy-reader.js';
export * from './repository-host.js';
export * from './repository-upkeep.js';
export * from './signature-verifier.js';
export * from './signer.js';
