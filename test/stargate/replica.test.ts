import type { ChildProcess } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../support/programs/free-port.js';
import { BIN_DIR, HOST_KEYS, ROOT } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { until } from '../support/until.js';

/** The quick start of the specification, word for word, but for the ports. */
const QUICK_START = {
  create: String.raw`curl -X POST http://localhost:3001/repos \
  -H "Content-Type: application/json" \
  -d '{"repo_id": "testuser/hello-world"}'`,
  look: 'curl http://localhost:3002/repos/testuser/hello-world',
};

/** Two servers, as two terminals start them. */
class Terminals {
  readonly sandbox = new Sandbox();
  private readonly children = new Map<string, { readonly child: ChildProcess; log: string }>();

  private constructor(readonly ports: readonly [string, string]) {}

  static async open(): Promise<Terminals> {
    return new Terminals([String(await freePort()), String(await freePort())]);
  }

  /** With the ports in the place of those of the quick start. */
  typed(command: string): string {
    return command.replaceAll('3001', this.ports[0]).replaceAll('3002', this.ports[1]);
  }

  async start(number: 1 | 2, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const name = `server-${number}`;
    const dataDir = this.sandbox.path(`data-server${number}`);
    await cp(HOST_KEYS, join(dataDir, '.stargate'), { recursive: true }); // making them takes seconds
    const { child } = this.sandbox.start('npm', ['run', '--silent', '--prefix', ROOT, 'replica'], {
      PORT: this.ports[number - 1] as string,
      SERVER_ID: name,
      DATA_DIR: dataDir,
      PEER_URLS: `http://localhost:${this.ports[2 - number]}`,
      ...env,
    });
    const one = { child, log: '' };
    this.children.set(name, one);
    child.stderr?.on('data', (text: Buffer) => {
      one.log += text.toString();
    });
    await until(`${name} is ready`, () => one.log.includes('"event":"ready"') || child.exitCode !== null, {
      clue: () => one.log,
    });
  }

  log(number: 1 | 2): string {
    return this.children.get(`server-${number}`)?.log ?? '';
  }

  kill(number: 1 | 2): void {
    const one = this.children.get(`server-${number}`);
    if (one !== undefined) this.sandbox.kill(one.child);
  }

  async curl(command: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const { stdout, stderr } = await this.sandbox.exec('sh', ['-c', `${this.typed(command)} -s -w '\n%{http_code}'`]);
    const at = stdout.lastIndexOf('\n');
    expect(stderr).to.equal('');
    return { status: Number(stdout.slice(at + 1)), body: JSON.parse(stdout.slice(0, at)) as Record<string, unknown> };
  }

  async healthy(number: 1 | 2): Promise<void> {
    const look = async (): Promise<boolean> => {
      const { body } = await this.curl(`curl http://localhost:300${number}/health`);
      return body['status'] === 'healthy';
    };
    await until(`server-${number} sees the other`, look, { clue: () => this.log(number) });
  }

  close(): void {
    for (const number of [1, 2] as const) this.kill(number);
    this.sandbox.remove();
  }
}

describe('stargate: the replication API', () => {
  let terminals: Terminals;
  beforeEach(async () => {
    terminals = await Terminals.open();
  });
  afterEach(() => terminals.close());

  it('does what the quick start says, and goes on to replicate what is pushed with Git', async () => {
    await Promise.all([terminals.start(1), terminals.start(2)]);
    await Promise.all([terminals.healthy(1), terminals.healthy(2)]);
    const { sandbox } = terminals;

    const created = { repo_id: 'testuser/hello-world', created: true, replicated: true, peers_confirmed: 1 };
    expect(await terminals.curl(QUICK_START.create)).to.deep.equal({ status: 201, body: created });
    const path = `${sandbox.path('data-server2')}/testuser/hello-world.git`;
    expect(await terminals.curl(QUICK_START.look)).to.deep.equal({
      status: 200,
      body: { repo_id: 'testuser/hello-world', exists: true, path },
    });

    const health = (await terminals.curl('curl http://localhost:3001/health')).body;
    expect(Object.keys(health)).to.deep.equal(['status', 'server_id', 'timestamp', 'load', 'peers']);
    expect(health).to.include({ status: 'healthy', server_id: 'server-1', peers: 1 });
    expect(health['load']).to.have.keys('cpu', 'memory');
    expect(new Date(String(health['timestamp'])).toISOString()).to.equal(health['timestamp']);
    expect((await terminals.curl('curl http://localhost:3002/repos')).body).to.deep.equal({
      repos: ['testuser/hello-world'],
      count: 1,
    });

    expect((await terminals.curl(QUICK_START.create)).status).to.equal(409);
    expect((await terminals.curl(QUICK_START.create.replace('hello-world', 'Hello-World'))).status).to.equal(409);
    for (const name of ['../x', 'a/b/c', 'x'.repeat(300), 'git/x', 'a/con', ''])
      expect((await terminals.curl(QUICK_START.create.replace('testuser/hello-world', name))).status, name).to.equal(400);
    expect((await terminals.curl('curl http://localhost:3001/repos/testuser/none')).status).to.equal(404);
    const elsewhere = "-H 'Host: attacker.example'";
    expect((await terminals.curl(`curl ${elsewhere} http://localhost:3001/repos`)).status).to.equal(401);

    // The same two at once: one wins.
    const both = await Promise.all(
      ['3001', '3002'].map((port) => terminals.curl(QUICK_START.create.replace('3001', port).replace('hello-world', 'at-once'))),
    );
    expect(both.map(({ status }) => status).sort()).to.deep.equal([201, 409]);

    // Nobody is listed yet: the policy is a file of the server that leads, and is taken up.
    const led = `${sandbox.path('data-server1')}/testuser/hello-world.git`;
    const key = sandbox.key('ada');
    const writers = `[${JSON.stringify((await readFile(`${key}.pub`, 'utf8')).trim())}]`;
    await writeFile(
      join(led, '.kv', 'policy.yaml'),
      `version: 1\nstargate: { admins: ${writers} }\nnamespaces: { main: { writers: ${writers} } }\n`,
    );
    const sshPort = async (number: 1 | 2): Promise<number> => {
      const file = join(sandbox.path(`data-server${number}`), '.stargate', 'endpoints.json');
      return (JSON.parse(await readFile(file, 'utf8')) as { ssh: { port: number } }).ssh.port;
    };
    const [one, two] = [await sshPort(1), await sshPort(2)];
    const env = {
      GIT_SSH_COMMAND: `ssh -F /dev/null -i ${key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`,
    };
    const git = (...args: readonly string[]) => sandbox.exec('git', args, env);
    sandbox.run('git', ['init', '-q', '-b', 'main', sandbox.path('work')]);
    sandbox.git(sandbox.path('work'), 'commit', '-q', '--allow-empty', '-m', 'first');
    const push = (port: number, branch: string) =>
      git('-C', sandbox.path('work'), 'push', '-q', `ssh://git@127.0.0.1:${port}/testuser/hello-world.git`, `main:${branch}`);
    const logs = () => `${terminals.log(1)}\n${terminals.log(2)}`;
    let told = '';
    const pushed1 = async () => {
      const { code, stderr } = await push(one, 'main');
      told = stderr;
      return code === 0;
    };
    await until('ada may push', pushed1, { clue: () => `${told}\n${logs()}` });
    const url = `http://localhost:${terminals.ports[1]}/git/testuser/hello-world.git`;
    const shown = async () => (await git('ls-remote', url, 'refs/heads/main')).stdout !== '';
    await until('the other server has it', shown, { clue: logs });
    for (const version of ['0', '2']) {
      const cloned = await git('-c', `protocol.version=${version}`, 'clone', '-q', url, sandbox.path(`clone${version}`));
      expect([cloned.code, cloned.stderr], version).to.deep.equal([0, '']);
      expect(sandbox.git(sandbox.path(`clone${version}`), 'log', '--format=%s'), version).to.equal('first');
    }
    // No profile names these servers: what asks them knows the way from the server that serves the root.
    const cluster = async (number: 1 | 2, ...args: readonly string[]): Promise<string> => {
      const root = sandbox.path(`data-server${number}`);
      const ran = await sandbox.exec(process.execPath, [join(BIN_DIR, 'git-kv-stargate.js'), 'cluster', ...args, '--root', root]);
      expect(ran.code, `${args.join(' ')}: ${ran.stderr}\n${logs()}`).to.equal(0);
      return ran.stdout;
    };
    const status = JSON.parse(await cluster(2, 'status', '--json'));
    expect(status.root).to.include({ server: 'server-2', leader: 'server-1' });
    expect(
      status.root.servers.map((one: { server: unknown; unreachable: unknown }) => [one.server, one.unreachable]),
    ).to.deep.equal([
      ['server-1', null],
      ['server-2', null],
    ]);
    const about = ['--repo-id', 'testuser/hello-world'];
    expect(await cluster(2, 'remove', 'server-2', ...about)).to.equal('server-2 is no member of 1 repository\n');
    expect(await cluster(1, 'status', ...about)).to.match(/^members: +server-1$/m);
    expect(await cluster(1, 'add', 'server-2', ...about)).to.equal('server-2 is a member of 1 repository\n');
    expect(await cluster(1, 'status', ...about)).to.match(/^members: +server-1, server-2$/m);

    // The key may push there too, since the policy has come along, and is told where.
    const elsewhere2 = await push(two, 'other');
    expect(elsewhere2.code).not.to.equal(0);
    expect(elsewhere2.stderr).to.contain('push to the leader, server-1');
    const pushed = await git('-C', sandbox.path('work'), 'push', url, 'main:other');
    expect(pushed.code).not.to.equal(0);
    expect(pushed.stderr).to.contain('pushes are taken over SSH');
    expect((await git('clone', '-q', url.replace('hello-world', 'none'), sandbox.path('none'))).stderr).to.contain('not found');
  });
});
