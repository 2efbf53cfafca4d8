import { expect } from 'chai';
import { principal } from '../../../domain/access/principal.js';
import { readKey } from '../../../apps/stargate/host-key/key-files.js';
import { clientOf } from '../../../apps/stargate/exec-session.js';
import { reachOne } from '../../../apps/stargate/ssh/reach.js';
import { listenSsh, type SshListener } from '../../../apps/stargate/ssh/server.js';
import { USUAL_LIMITS } from '../../../ports/stargate/limits.js';
import { Sandbox } from '../../support/worlds/sandbox.js';
import { SILENT } from '../../support/silent-log.js';
import { until } from '../../support/until.js';
import { ForgedSsh } from './attacks/forged-ssh.js';

const MiB = 2 ** 20;
const CHUNK = Buffer.alloc(MiB / 4);
/** What is there to be sent, and what may be handed on of it to who reads nothing: the system's own buffers take some MiB. */
const [ALL, HANDED_ON] = [40 * MiB, 24 * MiB];

describe('hostile: a window without end', () => {
  let sandbox: Sandbox;
  let ssh: SshListener;
  let taken = 0;
  let ended = false;
  before(async () => {
    sandbox = new Sandbox();
    const key = await readKey('ed25519', sandbox.key('host'));
    const hostKeys = { inUse: key === null ? [] : [key], next: [] };
    const bounds = { ...USUAL_LIMITS, connectionsPerKey: 64 };
    ssh = await listenSsh({
      ...{ host: '127.0.0.1', port: 0, hostKeys: () => hostKeys, limits: () => bounds, log: SILENT },
      identify: () => principal('rob', 'reader'),
      reach: reachOne({
        identify: () => principal('rob', 'reader'),
        answersTo: () => true,
        route: () => ({
          needs: 'fetch',
          takes: 'command',
          async serve(session) {
            const { output } = clientOf(session);
            const gone = new Promise<void>((resolve) => {
              session.gone.addEventListener('abort', () => resolve());
            });
            for (; taken < ALL && !session.gone.aborted; taken += CHUNK.length) {
              await Promise.race([output(CHUNK), gone]);
            }
            ended = true;
            return 0;
          },
        }),
      }),
    });
  });
  after(async () => {
    await ssh.close(0);
    sandbox.remove();
  });

  it('gets no more than its client reads, and all of it when that reads', async () => {
    const forged = await ForgedSsh.proven({ host: '127.0.0.1', port: ssh.port }, sandbox.key('rob'));
    const { channel } = await forged.exec("git-upload-pack 'x'", { window: 2 ** 32 - 1 });
    forged.deafen();
    let before = -1;
    await until('it stands still', async () => {
      const still = before === taken && taken > 0;
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return still && before === taken;
    });
    expect(taken).to.be.within(MiB, HANDED_ON);
    let read = 0;
    channel.on('data', (bytes: Buffer) => {
      read += bytes.length;
    });
    forged.listen();
    await until('all was read', () => read === ALL);
    expect(ended).to.equal(true);
    forged.end();
  });
});
