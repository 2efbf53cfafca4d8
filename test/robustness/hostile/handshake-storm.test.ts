import { once } from 'node:events';
import { expect } from 'chai';
import { parseRejection } from '../../../ports/rejection.js';
import type { Ran } from '../../support/programs/processes.js';
import { rig, type Rig } from '../../support/worlds/rig.js';
import { ForgedSsh } from './attacks/forged-ssh.js';
import { handshakeStorm } from './attacks/handshake-storm.js';
import { idleCommands } from './attacks/idle-commands.js';

const PUSH = "git-receive-pack 'shop'";
const FETCH = "git-upload-pack 'shop'";

describe('hostile: crowds', function () {
  this.timeout(60_000);
  let r: Rig;
  afterEach(() => r.close());
  const ask = (key: string): Promise<Ran> =>
    r.sandbox.exec('ssh', [...r.sshArgs(key), 'git@127.0.0.1', "git-kv-admin 'shop' echo"]);
  const address = () => ({ host: '127.0.0.1', port: r.ssh.port });

  it('of handshakes from many addresses keep nobody out who has been here before', async () => {
    r = await rig({ ssh: { connectionsUnproven: 8 } });
    expect((await ask(r.keys.writer)).code).to.equal(0);
    let over = false;
    const storm = handshakeStorm(address(), 2000).finally(() => {
      over = true;
    });
    const codes: number[] = [];
    while (!over) codes.push((await ask(r.keys.writer)).code);
    expect(await storm, 'handshakes begun').to.be.above(50);
    expect(codes.filter((code) => code !== 0)).to.deep.equal([]);
  });

  it('of idle fetches leave room for writers', async () => {
    const few = { connections: 8, connectionsReserved: 2, sessions: 6, pushes: 2, idleGrace: 0 };
    r = await rig({ ssh: few });
    const idle = idleCommands(address(), [r.keys.reader], FETCH, { each: 16, ms: 1000 });
    let over = false;
    void idle.finally(() => {
      over = true;
    });
    const codes: number[] = [];
    while (!over) codes.push((await ask(r.keys.writer)).code);
    expect(codes.filter((code) => code !== 0)).to.deep.equal([]);
    expect(await idle, 'fetches that still stand').to.be.within(1, 6);
  });

  it('of pushes that stand leave one free for whoever has none', async () => {
    r = await rig({ ssh: { pushes: 2 } });
    const forged = await ForgedSsh.proven(address(), r.keys.writer);
    const { channel } = await forged.exec(PUSH);
    await once(channel, 'data');
    const { stderr } = await r.sandbox.exec('ssh', [...r.sshArgs(r.keys.writer), 'git@127.0.0.1', PUSH]);
    expect(parseRejection(stderr)?.details).to.deep.equal({ limit: 1, of: 'key', what: 'pushes' });
    expect((await ask(r.keys.writer)).code).to.equal(0);
    forged.end();
  });

  it('end when nothing moves any more, with the reason', async () => {
    r = await rig({ ssh: { readSilence: 200 } });
    const { child, done } = r.sandbox.start('ssh', [...r.sshArgs(r.keys.reader), 'git@127.0.0.1', FETCH]);
    const { stderr } = await done;
    child.stdin?.end();
    expect(parseRejection(stderr)?.code).to.equal('IO_ERROR');
    expect(stderr).to.contain('nothing has moved');
  });
});
