import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import ssh2 from 'ssh2';
import { parseRejection } from '../../ports/rejection.js';
import { publicBlob } from '../support/keys.js';
import type { Ran } from '../support/programs/processes.js';
import { rig, type Rig } from '../support/worlds/rig.js';

/** A connection that has proved its key. */
async function connected(r: Rig, keyFile: string): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  client.connect({ host: '127.0.0.1', port: r.ssh.port, username: 'git', privateKey: await readFile(keyFile) });
  await once(client, 'ready');
  client.on('error', () => undefined); // being thrown out is what the tests are about
  return client;
}

/** Opens a session channel and asks for nothing in it; ssh2's public interface always asks for something. */
function openSession(client: ssh2.Client): Promise<void> {
  const { _chanMgr, _protocol } = client as unknown as {
    _chanMgr: { add(opened: () => void): number };
    _protocol: { session(channel: number, window: number, packet: number): void };
  };
  return new Promise((resolve) =>
    _protocol.session(
      _chanMgr.add(() => resolve()),
      2 ** 21,
      2 ** 15,
    ),
  );
}

/** Starts a command that waits for its client. */
function work(client: ssh2.Client): Promise<void> {
  return new Promise((resolve, reject) =>
    client.exec("git-upload-pack 'shop.git'", (error, channel) =>
      error === undefined ? channel.once('data', () => resolve()) : reject(error),
    ),
  );
}

describe('stargate: room for SSH connections', () => {
  let r: Rig;
  afterEach(() => r.close());

  it('ends a connection with an open session that runs nothing, and begins to count again after a command', async () => {
    r = await rig({ ssh: { idleTimeout: 700 } });
    const client = await connected(r, r.keys.reader);
    const closed = once(client, 'close');
    await openSession(client);
    await closed;
    const busy = await connected(r, r.keys.reader);
    const gone = once(busy, 'close');
    await openSession(busy);
    await new Promise<void>((resolve, reject) =>
      busy.exec("git-kv-admin 'shop' echo", (error, channel) =>
        error === undefined ? channel.resume().once('close', () => resolve()) : reject(error),
      ),
    );
    await gone;
  });

  it('lets an idle connection go for a new one, and no key take more than its share', async () => {
    r = await rig({ ssh: { idleTimeout: 300_000, idleGrace: 0, connections: 3, connectionsPerKey: 2 } });
    const first = await connected(r, r.keys.reader);
    const gone = once(first, 'close');
    const [second, third] = [await connected(r, r.keys.reader), await connected(r, r.keys.reader)];
    await gone;
    await Promise.all([work(second), work(third)]);
    const args = (key: string): string[] => [...r.sshArgs(key), 'git@127.0.0.1', "git-kv-admin 'shop' echo"];
    const full = await r.sandbox.exec('ssh', args(r.keys.reader));
    expect([full.code, parseRejection(full.stderr)?.code]).to.deep.equal([128, 'BUSY']);
    expect(parseRejection(full.stderr)?.details).to.deep.equal({ limit: 2, of: 'key', what: 'connections' });
    expect((await r.sandbox.exec('ssh', args(r.keys.writer))).code).to.equal(0);
    second.end();
    await once(second, 'close');
    expect((await r.sandbox.exec('ssh', args(r.keys.reader))).code).to.equal(0);
    third.end();
  });
});

describe('stargate: the SSH server', () => {
  let r: Rig;
  before(async () => {
    r = await rig({ ssh: { handshakeTimeout: 1500, connectionsUnproven: 6, connections: 12 } });
  });
  after(() => r.close());

  const exec = (command: string, key = r.keys.writer, extra: string[] = [], env: Record<string, string> = {}): Promise<Ran> =>
    r.sandbox.exec('ssh', [...r.sshArgs(key), ...extra, 'git@127.0.0.1', command], env);

  it('answers to the folder name and the push_url path, with or without .git', async () => {
    for (const path of ['shop', 'shop.git', '/shop.git', 'org/repo', '/org/repo.git']) {
      expect((await exec(`git-kv-admin '${path}' echo 'it'\\''s' x=1`)).stdout, path).to.equal(`["it's","x=1"]\n`);
    }
  });

  it('answers to nothing else', async () => {
    for (const path of [
      '../shop.git',
      '/../shop.git',
      'shop.git/..',
      './shop.git',
      r.gitDir,
      '-shop.git',
      '--upload-pack=x',
      '',
      '~',
      'repo.git',
    ]) {
      const ran = await exec(`git-upload-pack '${path}'`);
      expect(ran.code, path).to.equal(128);
      expect(parseRejection(ran.stderr)?.code, path).to.equal('NOT_FOUND');
    }
  });

  it('runs no other command', async () => {
    const commands = [
      ...[
        'id',
        'git-shell',
        "git-receive-pack 'shop.git'; id",
        "git-receive-pack 'shop.git' --x",
        'git-receive-pack "shop.git"',
        'git-receive-pack',
      ],
      ...[
        "git-upload-pack 'shop.git' && id",
        'git-upload-pack $(id)',
        "git-upload-pack  'shop.git'",
        "git config 'x'",
        "git-kv-admin 'shop.git'",
      ],
    ];
    for (const command of commands) {
      const ran = await exec(command);
      expect(ran.code, command).to.equal(128);
      expect(parseRejection(ran.stderr)?.code, command).to.equal('POLICY_VIOLATION');
      expect(ran.stdout, command).to.equal('');
    }
  });

  it('takes the two-word form, and holds roles apart', async () => {
    expect((await exec(`git upload-pack 'shop.git'`, r.keys.reader)).stdout).to.match(/^[0-9a-f]{4}/);
    const ran = await exec(`git-receive-pack 'shop.git'`, r.keys.reader);
    expect([ran.code, parseRejection(ran.stderr)?.code]).to.deep.equal([128, 'POLICY_VIOLATION']);
  });

  it('passes GIT_PROTOCOL with a known value, and no other variable', async () => {
    const v2 = await exec(`git-upload-pack 'shop.git'`, r.keys.reader, ['-o', 'SendEnv=GIT_PROTOCOL'], {
      GIT_PROTOCOL: 'version=2',
    });
    expect(v2.stdout).to.contain('version 2');
    for (const value of ['version=2:x', 'version=9', '']) {
      const odd = await exec(`git-upload-pack 'shop.git'`, r.keys.reader, ['-o', 'SendEnv=GIT_PROTOCOL'], {
        GIT_PROTOCOL: value,
      });
      expect(odd.stdout, value).to.not.contain('version');
    }
    const trace = await exec(`git-upload-pack 'shop.git'`, r.keys.reader, [
      '-o',
      'SetEnv=GIT_TRACE=1 GIT_CONFIG_COUNT=1 GIT_DIR=/tmp',
    ]);
    expect(trace.stderr).to.not.contain('trace');
    expect(trace.stdout).to.match(/^[0-9a-f]{4}/);
  });

  it('gives no shell, terminal, subsystem or forwarding', async () => {
    expect((await r.sandbox.exec('ssh', [...r.sshArgs(r.keys.writer), '-T', 'git@127.0.0.1'])).code).to.equal(255);
    expect((await exec('sftp', r.keys.writer, ['-s'])).code).to.equal(255);
    const forward = await exec(`git-kv-admin 'shop' echo`, r.keys.writer, [
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '0:127.0.0.1:9',
    ]);
    expect(forward.code).to.equal(255);
    expect((await exec('x', r.keys.writer, ['-W', '127.0.0.1:9'])).code).to.equal(255);
  });

  it('turns strangers away', async () => {
    const ran = await exec(`git-kv-admin 'shop' echo`, r.keys.stranger);
    expect([ran.code, ran.stdout]).to.deep.equal([255, '']);
    expect(ran.stderr).to.contain('Permission denied (publickey)');
  });

  it('lets nobody in with a public key alone, or with a signature by another key', async () => {
    const stranger = ssh2.utils.parseKey(await readFile(r.keys.stranger));
    if (stranger instanceof Error) throw stranger;
    const blob = publicBlob(r.keys.writer);
    let signed = 0;
    // The writer's public key, offered by somebody who holds another private key.
    const forged = Object.assign(Object.create(stranger as object) as typeof stranger, {
      getPublicSSH: () => blob,
      sign: (data: Buffer) => {
        signed += 1;
        return stranger.sign(data);
      },
    });
    const client = new ssh2.Client();
    client.connect({
      ...{ host: '127.0.0.1', port: r.ssh.port, username: 'git' },
      authHandler: [{ type: 'publickey', username: 'git', key: forged as never }] as never,
    });
    const [error] = (await Promise.race([once(client, 'error'), once(client, 'ready')])) as [Error | undefined];
    client.end();
    expect(signed).to.equal(1);
    expect(error?.message).to.contain('authentication methods failed');
  });

  it('drops a client that says nothing, and bounds how many there are', async () => {
    const sockets = Array.from({ length: 12 }, () => connect(r.ssh.port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const closed = sockets.map((socket) => once(socket.resume(), 'close'));
    await Promise.all(closed.slice(0, 6)); // the oldest had to go
    expect((await exec(`git-kv-admin 'shop' echo`)).code).to.equal(0);
    await Promise.all(closed);
    expect((await exec(`git-kv-admin 'shop' echo`)).code).to.equal(0);
  });

  it('takes the room for a newcomer from the address that holds most of it', async () => {
    const ended: string[] = [];
    const closed: Promise<unknown>[] = [];
    const from = async (localAddress: string): Promise<void> => {
      const socket = connect({ port: r.ssh.port, host: '127.0.0.1', localAddress });
      await once(socket, 'connect');
      closed.push(once(socket.resume(), 'close').then(() => ended.push(localAddress)));
    };
    await from('127.0.0.1'); // the oldest
    for (let i = 0; i < 7; i += 1) await from('127.0.0.2');
    await Promise.all(closed);
    expect(ended.slice(0, 2)).to.deep.equal(['127.0.0.2', '127.0.0.2']);
    expect(ended).to.include('127.0.0.1');
  });

  it('answers an unknown verb with what it knows', async () => {
    const ran = await exec(`git-kv-admin 'shop' nonsense`);
    expect(ran.code).to.equal(64);
    expect(parseRejection(ran.stderr)?.hint).to.contain('echo');
  });
});
