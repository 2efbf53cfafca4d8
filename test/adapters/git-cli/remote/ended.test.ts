import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { openAdminClient } from '../../../../adapters/git-cli/remote/admin-client.js';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import { gitSigner } from '../../../../adapters/signer-git/open.js';
import type { GitRemote } from '../../../../ports/git/git-remote.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';
import { until } from '../../../support/until.js';

const MAIN = 'refs/kv/main';
const FETCH = [{ remoteRef: MAIN, localRef: 'refs/t/main' }];

describe('git-cli: a call whose signal fires', () => {
  let sandbox: Sandbox;
  let clone: string;
  let server: Server;
  let port: number;
  let origin: GitRemote;
  const sockets = new Set<Socket>();
  let connected = 0;

  before(async () => {
    // Takes every connection, and never says a word.
    server = createServer((socket) => {
      connected++;
      sockets.add(socket.on('error', () => undefined).resume());
      socket.on('close', () => sockets.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
    sandbox = new Sandbox();
    clone = sandbox.path('clone');
    sandbox.run('git', ['init', '-q', clone]);
    sandbox.git(clone, 'commit', '-q', '--allow-empty', '-m', 'x');
    sandbox.git(clone, 'config', 'ssh.variant', 'ssh');
    for (const name of ['url', 'pushurl'])
      sandbox.git(clone, 'config', `remote.origin.${name}`, `ssh://127.0.0.1:${port}/ended-${port}`);
    sandbox.env['GIT_SSH_COMMAND'] = 'ssh -F /dev/null';
    origin = await openGitRemote({ directory: clone, env: sandbox.env });
  });
  after(async () => {
    await origin.close?.();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
    sandbox.remove();
  });

  /** What runs for the other side. */
  const running = (): string[] =>
    execFileSync('ps', ['-A', '-o', 'stat=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`ended-${port}`) && !line.startsWith('Z'));
  const next = (): string => sandbox.git(clone, 'rev-parse', 'HEAD');
  const admin = () => openAdminClient({ directory: clone, env: sandbox.env });

  const calls: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
    'a fetch': (signal) => origin.fetch('origin', 'read', FETCH, { signal }),
    'a fetch that only git knows how to do': (signal) =>
      origin.fetch('origin', 'read', [{ remoteRef: 'refs/heads/x', localRef: 'refs/t/x' }], { signal }),
    'a fetch of objects': (signal) => origin.fetchObjects('origin', 'read', ['a'.repeat(40)], { signal }),
    'a list of refs': (signal) => origin.listRefs('origin', 'read', [MAIN], { signal }),
    'a push by git': (signal) => origin.push('origin', [{ ref: MAIN, old: null, next: next() }], { atomic: true, signal }),
    'a push of objects that are at hand': (signal) =>
      origin.push('origin', [{ ref: MAIN, old: null, next: next() }], { atomic: true, objects: [], signal }),
    'an admin verb': (signal) => admin().run('origin', 'status', [], { signal }),
    'an admin verb that is held': (signal) => admin().hold('origin', 'turn', [], { signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`is INTERRUPTED, and nothing of it runs any more: ${name}`, async () => {
      const before = connected;
      const controller = new AbortController();
      const ended = failure(call(controller.signal), 'INTERRUPTED');
      await until('a connection', () => connected > before);
      controller.abort();
      await ended;
      await until('the end of its processes', () => running().length === 0); // whoever ends a process doesn't see when it has been waited for
      await failure(call(controller.signal), 'INTERRUPTED');
      expect(readdirSync(`${clone}/.git/objects/pack`)).to.deep.equal([]);
    });
  }

  it('ends a signing program that waits for somebody', async () => {
    const config = new Map([
      ['gpg.format', 'openpgp'],
      ['user.signingkey', 'ada'],
      ['gpg.program', sandbox.path('patient')],
    ]);
    sandbox.run('sh', ['-c', `printf '#!/bin/sh\\nexec sleep 600.${port}\\n' >patient && chmod +x patient`]);
    const controller = new AbortController();
    const signing = failure(
      gitSigner({ config, env: sandbox.env }).sign(new Uint8Array(), { signal: controller.signal }),
      'INTERRUPTED',
    );
    const asleep = (): boolean => execFileSync('ps', ['-A', '-o', 'args=']).includes(`sleep 600.${port}`);
    await until('the signing program', asleep);
    controller.abort();
    await signing;
    await until('its end', () => !asleep());
  });

  it('ends a walk through history', async () => {
    const store = await openGitStore({ directory: clone, env: sandbox.env });
    const controller = new AbortController();
    controller.abort();
    const walk = async (): Promise<void> => {
      for await (const _ of store.history({ tip: next(), signal: controller.signal }));
    };
    await failure(walk(), 'INTERRUPTED');
    await store.close();
  });
});
