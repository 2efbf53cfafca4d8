/** `git-kv/ports`: what an integrator implements. */
export * from './vocabulary.js';
export * from './error.js';
export * from './rejection.js';
export * from './git-store.js';
export * from './git-transport.js';
export * from './journal.js';
export * from './leader-lock.js';
export * from './mirror-target.js';
export * from './chunker.js';
export * from './hasher.js';
export * from './signer.js';
export * from './clock.js';
export * from './clone-config.js';
export * from './policy-reader.js';
export * from './tokens.js';
export * from './plugin.js';
export * from './unwrap.js';
