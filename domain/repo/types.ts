/**
 * The records of an ordinary repository without a work tree. Paths are slash-separated text from the root, without a leading or a
 * final slash; times are milliseconds since the epoch; a revision is a branch, a tag, `HEAD`, a full ref, an object id or eight or
 * more of its digits, with any number of `^`, `^N` and `~N` behind it.
 */
export type * from './records/commits.js';
export type * from './records/files.js';
export type * from './records/differences.js';
export type * from './records/refs.js';
export type * from './records/merges.js';
export type * from './records/parts.js';
