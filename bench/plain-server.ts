import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { principal } from '../domain/access/principal.js';
import { readKey } from '../apps/stargate/host-key/key-files.js';
import { ndjsonLog } from '../apps/stargate/log/log.js';
import { reachOne } from '../apps/stargate/ssh/reach.js';
import { listenSsh } from '../apps/stargate/ssh/server.js';
import { USUAL_LIMITS } from '../ports/stargate/limits.js';

/**
 * The Stargate's own SSH server in front of a plain bare repository: no hooks, no validation, no journal.
 * `node plain-server.js GITDIR HOSTKEY` prints its port.
 */
const [gitDir, hostKey] = process.argv.slice(2) as [string, string];
const pusher = principal('anyone', 'admin', 'writer', 'reader');
const key = await readKey('ed25519', hostKey);
const hostKeys = { inUse: key === null ? [] : [key], next: [] };
const { port } = await listenSsh({
  host: '127.0.0.1',
  port: 0,
  hostKeys: () => hostKeys,
  identify: () => pusher,
  limits: () => ({ ...USUAL_LIMITS, connectionsPerKey: 64 }),
  reach: reachOne({
    identify: () => pusher,
    answersTo: () => true,
    route: () => ({
      needs: 'push',
      takes: 'push',
      async serve(session) {
        // Git's own, by itself: the host's asks hooks, of which there are none here.
        const git = spawn('git', ['receive-pack', gitDir], { stdio: 'pipe' });
        session.input.pipe(git.stdin);
        git.stdout.pipe(session.output, { end: false });
        git.stderr.on('data', (text: Buffer) => session.complain(text.toString()));
        const [status] = (await once(git, 'close')) as [number];
        return status;
      },
    }),
  }),
  log: ndjsonLog(() => undefined, Date.now),
});
console.log(port);
