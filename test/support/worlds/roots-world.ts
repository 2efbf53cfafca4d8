import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KV_FAMILIES } from '../../../domain/ledger/refs.js';
import { openStargate, type Stargate } from '../../../apps/sdk/index.js';
import { TestEtcd } from '../programs/etcd.js';
import { freePort } from '../programs/free-port.js';
import { sshOptions } from '../keys.js';
import type { Ran } from '../programs/processes.js';
import { BIN_DIR, HOST_KEYS } from '../root.js';
import { Sandbox } from './sandbox.js';
import { until } from '../until.js';

/** One server of a cluster of roots: a process. */
export class RootServer {
  log = '';
  private child: ChildProcess | undefined;

  constructor(
    private readonly world: RootsWorld,
    readonly name: string,
    readonly ssh: number,
    readonly http: number,
    readonly peer: number,
  ) {}

  get root(): string {
    return this.world.sandbox.path(this.name);
  }

  get profile(): string {
    return this.world.sandbox.path(`${this.name}.yaml`);
  }

  get runs(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Whether its log says that it leads the root: the newest word of it counts. */
  get leads(): boolean {
    return this.runs && this.log.lastIndexOf('cluster.root-won') > this.log.lastIndexOf('cluster.root-lost');
  }

  /** Starts the process, and waits until it serves. */
  async start(): Promise<void> {
    const listen = ['--listen-ssh', `127.0.0.1:${this.ssh}`, '--listen-http', `127.0.0.1:${this.http}`];
    const args = ['serve', '--root', this.root, '--profile', this.profile, '--api', ...listen];
    const { child } = this.world.sandbox.start(process.execPath, [join(BIN_DIR, 'git-kv-stargate.js'), ...args]);
    this.child = child;
    this.log = '';
    child.stderr?.on('data', (text: Buffer) => {
      this.log += text.toString();
    });
    const ready = (): boolean => {
      if (!this.runs) throw new Error(`${this.name} ended:\n${this.world.logs()}`);
      return this.log.includes('"event":"ready"');
    };
    await until(`${this.name} serves`, ready, { ms: 60_000, clue: () => this.world.logs() });
  }

  /** Ends the process, and waits for it. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.runs) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Where a repository's policy lies. */
  policyOf(repository: string): string {
    return join(this.root, `${repository}.git`, '.kv', 'policy.yaml');
  }

  /** What this server's own files say of a repository's branches. */
  async branches(repository: string, below = 'refs/heads/'): Promise<string> {
    const args = ['-C', join(this.root, `${repository}.git`), 'for-each-ref', '--format=%(refname) %(objectname)', below];
    return (await this.world.sandbox.exec('git', args)).stdout;
  }
}

const pushUrl = ({ ssh }: RootServer, repository: string): string => `ssh://git@127.0.0.1:${ssh}/${repository}.git`;

/** Stargates of one cluster on loopback, each with a root of repositories, and an etcd. Ada may write to each repository. */
export class RootsWorld {
  readonly sandbox = new Sandbox();
  readonly servers: RootServer[] = [];
  private readonly key = this.sandbox.key('ada');

  private constructor(private readonly etcd: TestEtcd) {}

  static async start(count: number): Promise<RootsWorld> {
    const world = new RootsWorld(await TestEtcd.start());
    for (let at = 1; at <= count; at++)
      world.servers.push(new RootServer(world, `server-${at}`, await freePort(), await freePort(), await freePort()));
    await writeFile(world.sandbox.path('cluster.key'), `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const writers = JSON.stringify([(await readFile(`${world.key}.pub`, 'utf8')).trim()]);
    const urls = world.servers.map(({ name, ssh }) => `${name}: 'ssh://git@127.0.0.1:${ssh}/{repository}.git'`).join(', ');
    for (const server of world.servers) {
      await cp(HOST_KEYS, join(server.root, '.stargate'), { recursive: true }); // making them takes seconds
      await mkdir(join(server.root, '.kv'));
      const stargate = `stargate: { admins: ${writers}, push_urls: { ${urls} } }`;
      await writeFile(
        join(server.root, '.kv', 'policy.yaml'),
        `version: 1\n${stargate}\nnamespaces: { main: { writers: ${writers} } }\n`,
      );
      await writeFile(server.profile, world.profileOf(server));
    }
    await Promise.all(world.servers.map((server) => server.start()));
    return world;
  }

  /** Whoever leads the root, once somebody does. */
  async leader(): Promise<RootServer> {
    await until('a server leads', () => this.servers.some(({ leads }) => leads), { clue: () => this.logs() });
    return this.servers.find(({ leads }) => leads) as RootServer;
  }

  /** `git-kv-stargate VERB …` about a server's root; it must succeed. */
  async must(server: RootServer, ...args: readonly string[]): Promise<string> {
    const place = ['--root', server.root, '--profile', server.profile];
    const ran = await this.sandbox.stargate([...args, ...place]);
    if (ran.code !== 0) throw new Error(`${args.join(' ')}: ${ran.stderr}${ran.stdout}\n${this.logs()}`);
    return ran.stdout;
  }

  /** Pushes a new commit to a branch of a repository, to a server. */
  async push(server: RootServer, repository: string, branch: string): Promise<Ran> {
    const work = this.sandbox.path('work');
    const { code } = await this.sandbox.exec('git', ['-C', work, 'rev-parse', '--git-dir']);
    if (code !== 0) this.sandbox.run('git', ['init', '-q', '-b', 'main', work]);
    this.sandbox.git(work, 'commit', '-q', '--allow-empty', '-m', branch);
    const url = pushUrl(server, repository);
    const GIT_SSH_COMMAND = `ssh ${sshOptions(this.key).join(' ')}`;
    return this.sandbox.exec('git', ['-C', work, 'push', '-q', url, `HEAD:refs/heads/${branch}`], { GIT_SSH_COMMAND });
  }

  /** Ada's writer to a sequenced namespace of a repository, over one stream to a server. */
  async stream(server: RootServer, repository: string, namespace: string): Promise<Stargate> {
    const knownHosts = this.sandbox.path('known_hosts');
    const url = pushUrl(server, repository);
    const GIT_SSH_COMMAND = `ssh ${sshOptions(this.key, knownHosts).join(' ')}`;
    await this.sandbox.exec('git', ['ls-remote', url], { GIT_SSH_COMMAND }); // which notes the host's key
    return openStargate({ url, author: 'ada <ada@example.org>', namespace, knownHosts, key: this.key });
  }

  /** Gives a repository that nobody has opened yet a mirror, on all servers; gives where it is. */
  async mirror(repository: string): Promise<string> {
    const mirror = this.sandbox.bare('mirror.git');
    const push = KV_FAMILIES.map((kind) => `\tpush = +refs/${kind}/*:refs/${kind}/*\n`).join('');
    for (const { root } of this.servers) {
      const file = join(root, `${repository}.git`, 'config');
      const text = (await readFile(file, 'utf8')).replace('profile = unmirrored', 'profile = embedded');
      await writeFile(file, `${text}[remote "github-origin"]\n\turl = ${mirror}\n${push}`);
    }
    return mirror;
  }

  /** Waits until all servers that run have a branch of a repository. */
  async level(repository: string, branch: string): Promise<void> {
    const running = this.servers.filter(({ runs }) => runs);
    const same = async (): Promise<boolean> => {
      const all = await Promise.all(running.map((server) => server.branches(repository)));
      return all.every((one) => one === all[0] && one.includes(`refs/heads/${branch} `));
    };
    await until(`all have ${branch} of ${repository}`, same, { clue: () => this.logs() });
  }

  logs(): string {
    return this.servers.map(({ name, log }) => `== ${name}\n${log}`).join('\n');
  }

  async close(): Promise<void> {
    for (const server of this.servers) await server.stop('SIGKILL');
    await this.etcd.stop();
    this.sandbox.remove();
  }

  private profileOf({ name }: RootServer): string {
    const etcd = `endpoints: ['${this.etcd.url}']`;
    const addresses = this.servers.map((server) => `${server.name}: 'http://127.0.0.1:${server.peer}'`).join(', ');
    const key = this.sandbox.path('cluster.key');
    return [
      'name: cluster',
      'extends: unmirrored',
      'hosts: many',
      'adapters:',
      `  peer-transport: { use: peer-http, config: { self: ${name}, cluster: test, timeoutMs: 3000, keyFile: ${key}, servers: { ${addresses} } } }`,
      `  decision-log: { use: decision-etcd, config: { cluster: test, ${etcd} } }`,
      `  leader-lock: { use: lock-etcd, config: { key: /git-kv/test/lock, ttl: 2, ${etcd} } }`,
      '',
    ].join('\n');
  }
}
