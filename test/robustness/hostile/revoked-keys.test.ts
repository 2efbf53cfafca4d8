import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';
import { commitFile, rig, type Rig } from '../../support/worlds/rig.js';
import { World } from '../../support/worlds/world.js';
import { type Address, type ForgedChannel, ForgedSsh } from './attacks/forged-ssh.js';

const ZERO = '0'.repeat(40);

/** A command of somebody who has logged in, and what it has said so far on either way. */
interface Open extends ForgedChannel {
  readonly forged: ForgedSsh;
  said(): string;
  readonly closed: Promise<unknown>;
}

/** Starts a command and waits for its first word. */
async function open(address: Address, keyFile: string, command: string): Promise<Open> {
  const forged = await ForgedSsh.proven(address, keyFile);
  const closed = once(forged.client, 'close');
  const started = await forged.exec(command);
  let said = '';
  for (const stream of [started.channel, started.channel.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1');
    });
  }
  await once(started.channel, 'data');
  return { ...started, forged, closed, said: () => said };
}

/** A push that makes a branch of a commit that is there already, with a pack of nothing. */
function newBranch(oid: string, branch: string): Buffer {
  const pack = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  const line = encodePkt(`${ZERO} ${oid} refs/heads/${branch}\0report-status atomic`);
  return Buffer.concat([line, FLUSH_PKT, pack, createHash('sha1').update(pack).digest()]);
}

describe('hostile: keys that were taken away', function () {
  this.timeout(60_000);

  describe('while a push is open', () => {
    let r: Rig;
    let tip: string;
    beforeEach(async () => {
      r = await rig();
      tip = commitFile(r, 'a', 'a');
      expect((await r.push('HEAD:refs/heads/main')).code).to.equal(0);
    });
    afterEach(() => r.close());
    const address = (): Address => ({ host: '127.0.0.1', port: r.ssh.port });
    const branches = (): string => r.sandbox.git(r.gitDir, 'for-each-ref', '--format=%(refname)', 'refs/heads');
    const push = () => open(address(), r.keys.writer, "git-receive-pack 'shop'");

    it('make a branch while they are listed', async () => {
      const { send, channel, forged } = await push();
      send(newBranch(tip, 'mine'));
      await once(channel, 'close');
      expect(branches()).to.equal('refs/heads/main\nrefs/heads/mine');
      forged.end();
    });

    it('make none afterwards, though their connection stands', async () => {
      const { send, channel, forged, said } = await push();
      r.remove(r.keys.writer);
      send(newBranch(tip, 'mine'));
      await once(channel, 'close');
      expect(said()).to.contain('"POLICY_VIOLATION"');
      expect(branches()).to.equal('refs/heads/main');
      expect(r.gateway.validated.length, 'pushes that were checked').to.equal(1);
      forged.end();
    });

    it('make none when it happens right before refs move', async () => {
      const { send, channel, forged, said } = await push();
      r.gateway.beforeCommit = async () => r.remove(r.keys.writer);
      send(newBranch(tip, 'mine'));
      await once(channel, 'close');
      expect(said()).to.contain('not in the policy any more');
      expect(branches()).to.equal('refs/heads/main');
      forged.end();
    });
  });

  describe('by a changed policy', () => {
    let world: World;
    before(async () => {
      world = await World.create({ writers: ['ada', 'bob'], readers: ['rob'] });
      await world.stop();
      const fault = join(world.dir, 'fault.mjs');
      await writeFile(fault, `process.on('SIGUSR2', () => { throw new Error('a fault of ours'); });`);
      await world.start({ NODE_OPTIONS: `--import=${fault}` });
    });
    after(() => world.close());

    it('lose what they have open, and are told why; others stay', async () => {
      const address = { host: '127.0.0.1', port: world.port };
      const [push, fetch, other] = await Promise.all([
        open(address, world.key('bob'), "git-receive-pack 'kv.git'"),
        open(address, world.key('rob'), "git-upload-pack 'kv.git'"),
        open(address, world.key('ada'), "git-upload-pack 'kv.git'"),
      ]);
      const idle = await ForgedSsh.proven(address, world.key('rob'));
      const gone = Promise.all([push.closed, fetch.closed, once(idle.client, 'close')]);
      const keys = await Promise.all(['bob', 'rob'].map((who) => readFile(world.key(who, '.pub'), 'utf8')));
      const without = (line: string): boolean => !keys.some((key) => line.includes(key.split(' ')[1] ?? key));
      await world.editPolicy((text) =>
        text
          .replace(/^ {2}readers:\n.*$/m, '  readers: []')
          .split('\n')
          .filter(without)
          .join('\n'),
      );
      await gone;
      for (const { said } of [push, fetch]) expect(said()).to.contain('not in the policy any more');
      expect(other.forged.alive).to.equal(true);
      const lines = world.daemonLog().split('\n');
      const revoked = lines
        .filter((line) => line.includes('"ssh.revoked"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(revoked.map(({ pusher }) => pusher).sort()).to.deep.equal(['bob', 'rob']);
      expect(lines.filter((line) => line.includes('"ssh.key-removed"')).length).to.equal(3);
      other.forged.end();
    });

    it('end, with everything else, when something goes wrong that nobody has taken care of', async () => {
      const [code] = await world.stop('SIGUSR2');
      expect(code).to.equal(1);
      expect(world.daemonLog()).to.match(
        /"level":"error","event":"uncaught","message":"a fault of ours"[\s\S]*"event":"stopped"/,
      );
    });
  });
});
