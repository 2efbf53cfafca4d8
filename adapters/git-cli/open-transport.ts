import type { GitTransport, OpenAdapter } from '../../ports/index.js';
import { openGitTransport } from './remote/transport.js';

export { type GitTransportOptions, openGitTransport } from './remote/transport.js';

export const open: OpenAdapter<undefined, GitTransport> = (_config, { directory, env }) => openGitTransport({ directory, env });
