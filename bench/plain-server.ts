import { principal } from '../domain/access/principal.js';
import { readKey } from '../apps/stargate/host-key/key-files.js';
import { ndjsonLog } from '../apps/stargate/log.js';
import { clientOf, feed } from '../apps/stargate/exec-session.js';
import { listenSsh } from '../apps/stargate/ssh/server.js';
import { openProfile } from '../plugins/host/index.js';
import type { GitService } from '../ports/git-service.js';
import { gitBounds } from '../domain/gateway/push-limits.js';
import { USUAL_LIMITS } from '../ports/limits.js';

/**
 * The Stargate's own SSH server in front of a plain bare repository: no hooks, no validation, no journal.
 * `node plain-server.js GITDIR HOSTKEY` prints its port.
 */
const [gitDir, hostKey] = process.argv.slice(2) as [string, string];
const composition = await openProfile('embedded', { directory: gitDir, env: process.env });
const services = await composition.get<GitService>('git-service');
const pusher = principal('anyone', 'admin', 'writer', 'reader');
const key = await readKey('ed25519', hostKey);
const hostKeys = { inUse: key === null ? [] : [key], next: [] };
const { port } = await listenSsh({
  host: '127.0.0.1',
  port: 0,
  hostKeys: () => hostKeys,
  identify: () => pusher,
  answersTo: () => true,
  limits: () => ({ ...USUAL_LIMITS, connectionsPerKey: 64 }),
  route: () => async (session) => {
    const request = { gitProtocol: session.gitProtocol, maxBytes: 2 ** 31, bounds: gitBounds(USUAL_LIMITS) };
    const { input, ended } = services.receive(request, clientOf(session));
    feed(session, input);
    return ended;
  },
  log: ndjsonLog(() => undefined, Date.now),
});
console.log(port);
