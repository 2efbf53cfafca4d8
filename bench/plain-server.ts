import { readFileSync } from 'node:fs';
import { serviceEnv, startService } from '../apps/stargate/repository/git-process.js';
import { ndjsonLog } from '../apps/stargate/log.js';
import { listenSsh } from '../apps/stargate/ssh/server.js';

/**
 * The Stargate's own SSH server in front of a plain bare repository: no hooks, no validation, no journal.
 * `node plain-server.js GITDIR HOSTKEY` prints its port.
 */
const [gitDir, hostKey] = process.argv.slice(2) as [string, string];
const pusher = { name: 'anyone', admin: true, writer: true, reader: true };
const { port } = await listenSsh({
  host: '127.0.0.1',
  port: 0,
  hostKeys: [readFileSync(hostKey)],
  identify: () => pusher,
  answersTo: () => true,
  route: () => async (session) => {
    const { child, ended } = startService(['receive-pack', gitDir], serviceEnv(gitDir, session.gitProtocol), 3);
    session.input.pipe(child.stdin as NodeJS.WritableStream);
    child.stdout?.pipe(session.output, { end: false });
    child.stderr?.on('data', (text: Buffer) => session.complain(text.toString('utf8')));
    return ended;
  },
  log: ndjsonLog(() => undefined, Date.now),
});
console.log(port);
