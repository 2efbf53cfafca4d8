import { chmodSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { openIntentStream } from '../../../../adapters/git-cli/open-intent-stream.js';
import type { IntentStream } from '../../../../ports/clone/intent-stream.js';
import { type IntentStreamServer, intentStreamContract } from '../../../contracts/intent-stream.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const REFUSAL = JSON.stringify({ code: 'POLICY_VIOLATION', message: 'not here' });
const SERVERS = (released: string): Readonly<Record<IntentStreamServer, string>> => ({
  echo: 'exec cat',
  refuse: `echo 'kv-error/1 ${REFUSAL}' >&2; exit 128`,
  greet: 'printf hello',
  break: 'printf hello; echo "Connection closed by remote host" >&2; exit 255',
  count: `while [ ! -e '${released}' ]; do sleep 0.05; done; head -c 4194304 | wc -c | tr -d ' \\n'`,
});

/** A clone whose ssh is a script that plays the other side itself. */
class FakeSsh {
  readonly sandbox = new Sandbox();
  readonly clone = this.sandbox.path('clone');
  readonly ssh = this.sandbox.path('fake-ssh');

  constructor(url = 'ssh://git@host.example:2222/srv/a%20b.git') {
    this.sandbox.run('git', ['init', '-q', this.clone]);
    for (const [name, value] of [
      ['ssh.variant', 'ssh'],
      ['remote.origin.pushurl', url],
    ] as const)
      this.sandbox.git(this.clone, 'config', name, value);
  }

  plays(body: string): void {
    writeFileSync(this.ssh, `#!/bin/sh\n${body}\n`);
    chmodSync(this.ssh, 0o755);
  }

  open(env: Readonly<Record<string, string>> = {}): IntentStream {
    return openIntentStream({ directory: this.clone, env: { ...this.sandbox.env, GIT_SSH_COMMAND: this.ssh, ...env } });
  }
}

intentStreamContract('git-cli', async () => {
  const fake = new FakeSsh();
  const released = fake.sandbox.path('released');
  return {
    stream: fake.open(),
    serve: async (how) => fake.plays(SERVERS(released)[how]),
    release: async () => writeFileSync(released, ''),
    vanish: async () => fake.plays('echo "ssh: connect to host host.example port 2222: Connection refused" >&2; exit 255'),
    forget: async () => void fake.sandbox.git(fake.clone, 'config', '--unset', 'remote.origin.pushurl'),
    dispose: async () => fake.sandbox.remove(),
  };
});

describe('git-cli: streams of intents over ssh', () => {
  let fake: FakeSsh;
  beforeEach(() => {
    fake = new FakeSsh();
    fake.plays('for one; do printf "<%s>" "$one"; done');
  });
  afterEach(() => fake.sandbox.remove());
  const said = async (stream: IntentStream): Promise<string> => {
    const connection = await stream.open('origin');
    let text = '';
    for (let piece = await connection.receive(); piece !== null; piece = await connection.receive())
      text += Buffer.from(piece).toString();
    return text;
  };

  it('give ssh what git would give it, with the settings of the user’s', async () => {
    const command = "git-kv-intents '/srv/a b.git'";
    expect(await said(fake.open())).to.equal(`<-p><2222><git@host.example><${command}>`);
    fake.sandbox.git(fake.clone, 'config', 'core.sshCommand', `${fake.ssh} -x`);
    const { GIT_SSH_COMMAND: _, ...env } = { ...fake.sandbox.env, GIT_SSH_COMMAND: undefined };
    const configured = openIntentStream({ directory: fake.clone, env });
    expect(await said(configured)).to.equal(`<-x><-p><2222><git@host.example><${command}>`);
    fake.sandbox.git(fake.clone, 'config', 'url.ssh://me@other.example/.insteadOf', 'ssh://git@host.example:2222/');
    expect(await said(fake.open())).to.equal("<me@other.example><git-kv-intents '/srv/a b.git'>");
  });

  it('are left to a push where only git knows the way', async () => {
    await failure(fake.open({ GIT_ALLOW_PROTOCOL: 'file' }).open('origin'), 'NOT_SUPPORTED');
    fake.sandbox.git(fake.clone, 'config', 'remote.origin.receivepack', '/opt/git-receive-pack');
    await failure(fake.open().open('origin'), 'NOT_SUPPORTED');
    fake.sandbox.git(fake.clone, 'config', '--unset', 'remote.origin.receivepack');
    fake.sandbox.git(fake.clone, 'config', 'protocol.ssh.allow', 'never');
    await failure(fake.open().open('origin'), 'NOT_SUPPORTED');
    fake.sandbox.git(fake.clone, 'config', '--unset', 'protocol.ssh.allow');
    fake.sandbox.git(fake.clone, 'config', 'remote.origin.pushurl', '/srv/repository.git');
    await failure(fake.open().open('origin'), 'NOT_SUPPORTED');
  });

  it('end when the other side is silent for as long as kv.timeout says, and not while nobody asks it', async () => {
    fake.plays('printf hello; exec sleep 30');
    fake.sandbox.git(fake.clone, 'config', 'kv.timeout', '300ms');
    const stream = fake.open();
    const connection = await stream.open('origin');
    expect(Buffer.from((await connection.receive()) ?? []).toString()).to.equal('hello');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(connection.usable).to.equal(true);
    const error = await failure(connection.receive(), 'IO_ERROR');
    expect(error.message).to.match(/no answer from .* for 0\.3 s/);
    expect(connection.usable).to.equal(false);
  });

  it('that are cut off before a word say so', async () => {
    fake.plays('echo "Connection closed by 10.0.0.1 port 2222" >&2; exit 255');
    const error = await failure((await fake.open().open('origin')).receive(), 'IO_ERROR');
    expect(error.details).to.include({ sent: 'cut' });
  });

  it('say when ssh can’t be started', async () => {
    const opened = fake.open({ GIT_SSH_COMMAND: '', GIT_SSH: '/nowhere/ssh', GIT_SSH_VARIANT: 'ssh' });
    const error = await failure(
      opened.open('origin').then((connection) => connection.receive()),
      'IO_ERROR',
    );
    expect(error.message).to.contain('/nowhere/ssh');
  });
});
