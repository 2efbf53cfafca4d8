import type { AdminClient, OpenAdapter } from '../../ports/index.js';
import { openAdminClient } from './remote/admin-client.js';

export { type AdminClientOptions, openAdminClient } from './remote/admin-client.js';

/** Opens a client that asks a Stargate over ssh, the program that git would use. */
export const open: OpenAdapter<undefined, AdminClient> = async (_config, { directory, env }) =>
  openAdminClient({ directory, env });
