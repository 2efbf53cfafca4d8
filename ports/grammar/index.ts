/** What text means on every side: each grammar is written once, here. */
export * from './base64.js';
export * from './duration.js';
export * from './exhausted.js';
export * from './namespace.js';
export * from './nearest.js';
export * from './network.js';
export * from './no-history.js';
export * from './object-links.js';
export * from './pkt-line.js';
export * from './out-of-space.js';
export * from './path-list.js';
export * from './printable.js';
export * from './shown-url.js';
export * from './size.js';
export * from './ssh-key.js';
export * from './ssh-url.js';
export * from './trace-context.js';
