/** `git-kv/client`: a clone, or a Stargate, opened by a program. */
export { openClone } from './open/open-clone.js';
export { openStargate } from './stargate/open-stargate.js';
export type { OpenStargateOptions, Stargate } from './stargate/api.js';
export type { Clone, OpenCloneOptions } from './api/clone.js';
export type * from './api/past.js';
export type * from './api/read.js';
export type * from './api/transfer.js';
export type * from './api/watch.js';
export type * from './api/write.js';
export { ERROR_CODES, type ErrorCode, KvError } from '../../ports/error.js';
