import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestEtcd } from './etcd.js';
import { isolatedEnv } from './isolated-env.js';
import { makeKey, sshOptions } from './keys.js';
import { type Ran, run, type RunOptions } from './processes.js';
import { BIN_DIR, HOST_KEYS } from './root.js';
import { until } from './until.js';
import { freePort } from './world.js';

/** How a cluster of processes is to be. */
export interface ClusterWorldOptions {
  readonly servers: number;
  /** Changes the policy that init wrote. */
  readonly policy?: (text: string) => string;
  /** How long a leader that is gone keeps the others waiting, seconds. */
  readonly ttl?: number;
  /** Gives the port at which the others reach a server, such as one of a proxy; its own when absent. */
  readonly reach?: (server: ClusterServer) => Promise<number>;
  /** One server that is in no cluster. */
  readonly alone?: boolean;
  /** Decisions are the first server's own, and there is no etcd. */
  readonly withoutEtcd?: boolean;
}

/** One server: a process, and what it listens on. */
export class ClusterServer {
  log = '';
  http = '';
  private child: ChildProcess | undefined;

  constructor(
    readonly world: ClusterWorld,
    readonly name: string,
    readonly ssh: number,
    readonly peer: number,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  get repo(): string {
    return join(this.world.dir, this.name, 'kv.git');
  }

  get pushUrl(): string {
    return `ssh://git@127.0.0.1:${this.ssh}/kv.git`;
  }

  get runs(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts the process; `ready` tells when it serves. */
  start(): void {
    const listen = ['--listen-ssh', `127.0.0.1:${this.ssh}`, '--listen-http', '127.0.0.1:0'];
    const profile = join(this.world.dir, `${this.name}.yaml`);
    const args = [join(BIN_DIR, 'git-kv-stargate.js'), 'serve', '--repo', this.repo, ...listen, '--profile', profile];
    const child = spawn(process.execPath, args, { env: this.world.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.log = '';
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.child = child;
  }

  /** Waits until it serves. */
  ready(): Promise<void> {
    const holds = (): boolean => {
      if (!this.runs) throw new Error(`${this.name} ended:\n${this.world.logs()}`);
      return /"event":"ready"/.test(this.log);
    };
    return until(`${this.name} serves`, holds, { ms: 60_000, clue: () => this.world.logs() });
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends the process, and waits for it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Whether its log says that it leads: the newest word of it counts. */
  get leads(): boolean {
    return this.runs && this.log.lastIndexOf('"event":"leader.won"') > this.log.lastIndexOf('"event":"leader.lost"');
  }

  async refs(): Promise<string> {
    const { stdout } = await run('git', ['-C', this.repo, 'for-each-ref', '--format=%(refname) %(objectname)'], {
      env: this.world.env,
    });
    return stdout
      .split('\n')
      .filter((line) => line !== '' && !/^refs\/kv-(leader|mirror)/.test(line))
      .join('\n');
  }
}

/** Stargates of one cluster on loopback, each a process, with an etcd of one member, a mirror, and a person with a clone. */
export class ClusterWorld {
  readonly servers: ClusterServer[] = [];
  private readonly ports = new Set<number>();
  private readonly reached = new Map<ClusterServer, number>();

  private constructor(
    readonly dir: string,
    private readonly shared: TestEtcd | null,
  ) {}

  /** The etcd that decisions and lock are in. */
  get etcd(): TestEtcd {
    if (this.shared === null) throw new Error('this cluster has no etcd');
    return this.shared;
  }

  static async create(options: ClusterWorldOptions): Promise<ClusterWorld> {
    const { servers, policy = (text) => text, ttl = 2, reach, alone = false, withoutEtcd = false } = options;
    const world = new ClusterWorld(await mkdtemp(join(tmpdir(), 'git-kv-cluster-')), withoutEtcd ? null : await TestEtcd.start());
    const { dir } = world;
    await mkdir(join(dir, 'bin'));
    await mkdir(join(dir, 'home'));
    for (const name of ['git-kv', 'git-kv-stargate']) await symlink(join(BIN_DIR, `${name}.js`), join(dir, 'bin', name));
    makeKey(join(dir, 'ada'), 'ada');
    await writeFile(join(dir, 'cluster.key'), `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    for (let at = 1; at <= servers; at++)
      world.servers.push(new ClusterServer(world, `server-${at}`, await world.port(), await world.port()));
    for (const server of world.servers) world.reached.set(server, (await reach?.(server)) ?? server.peer);
    await world.must('git', ['init', '-q', '--bare', '--initial-branch=main', world.mirror]);
    for (const [at, server] of world.servers.entries()) {
      await mkdir(join(dir, server.name));
      await writeFile(join(dir, `${server.name}.yaml`), alone ? 'name: alone\nextends: embedded\n' : world.profile(server, ttl));
      const common = ['init', '--repo', server.repo, '--mirror-remote', world.mirror, '--host-keys', HOST_KEYS];
      const first = ['--no-initial-branch', '--push-url', server.pushUrl, '--admin', join(dir, 'ada.pub')];
      await world.must('git-kv-stargate', [...common, ...(at === 0 ? first : ['--join'])]);
    }
    const file = join((world.servers[0] as ClusterServer).repo, '.kv', 'policy.yaml');
    const urls = world.servers.map(({ name, pushUrl }) => `    ${name}: ${pushUrl}\n`).join('');
    const text = (await readFile(file, 'utf8')).replace(/^stargate:\n/m, `stargate:\n  push_urls:\n${urls}`);
    await writeFile(file, policy(text));
    for (const server of world.servers) server.start();
    for (const server of world.servers)
      await server.ready().catch(async (error: unknown) => {
        await world.close();
        throw error;
      });
    return world;
  }

  get mirror(): string {
    return join(this.dir, 'mirror.git');
  }

  get clone(): string {
    return join(this.dir, 'clone');
  }

  get env(): NodeJS.ProcessEnv {
    const isolated = isolatedEnv(join(this.dir, 'home'));
    return {
      ...isolated,
      PATH: `${join(this.dir, 'bin')}:${isolated['PATH']}`,
      GIT_SSH_COMMAND: ['ssh', ...sshOptions(join(this.dir, 'ada'), join(this.dir, 'known_hosts'))].join(' '),
      LC_ALL: 'C.UTF-8',
    };
  }

  /** Whoever leads, once somebody does. */
  async leader(): Promise<ClusterServer> {
    await until('a server leads', () => this.servers.some(({ leads }) => leads), { clue: () => this.logs() });
    return this.servers.find(({ leads }) => leads) as ClusterServer;
  }

  logs(): string {
    return this.servers.map(({ name, log }) => `== ${name}\n${log}`).join('\n');
  }

  /** Makes the clone, set up as a developer would, once the mirror shows the policy. */
  async makeClone(): Promise<void> {
    await until(
      'the mirror shows the policy',
      async () =>
        (await this.run('git', ['-C', this.mirror, 'rev-parse', '-q', '--verify', 'refs/kv-policy/current'])).code === 0,
    );
    await this.must('git', ['init', '-q', '--initial-branch=main', this.clone]);
    const sections = [
      `[remote "origin"]\n\turl = ${this.mirror}\n\tfetch = +refs/heads/*:refs/remotes/origin/*`,
      `[user]\n\tname = ada\n\temail = ada@example.org\n\tsigningKey = ${join(this.dir, 'ada')}`,
      '[gpg]\n\tformat = ssh\n',
    ];
    await appendFile(join(this.clone, '.git', 'config'), sections.join('\n'));
    await this.must('git', ['kv', 'remote', 'setup'], { cwd: this.clone });
  }

  /** `git kv …` in the clone, pushing to a server. */
  async kv(args: readonly string[], to?: ClusterServer): Promise<Ran> {
    if (to !== undefined) await this.must('git', ['-C', this.clone, 'config', 'remote.origin.pushurl', to.pushUrl]);
    return this.run('git', ['kv', ...args], { cwd: this.clone });
  }

  /** `git-kv-stargate cluster …` on a server; it must succeed. */
  cluster(on: ClusterServer, args: readonly string[]): Promise<Ran> {
    return this.must('git-kv-stargate', ['cluster', ...args, '--repo', on.repo, '--profile', join(this.dir, `${on.name}.yaml`)]);
  }

  run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(command, args, { cwd: this.dir, env: this.env, ...options });
  }

  /** Runs what can't fail. */
  async must(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await this.run(command, args, options);
    if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}${ran.stdout}\n${this.logs()}`);
    return ran;
  }

  /** Waits until all servers that run show the same refs. */
  async level(): Promise<void> {
    const same = async (): Promise<boolean> => {
      const all = await Promise.all(this.servers.filter(({ runs }) => runs).map((server) => server.refs()));
      return all.every((one) => one === all[0]);
    };
    await until('all servers show the same refs', same, { clue: () => this.logs() });
  }

  async close(): Promise<void> {
    for (const server of this.servers) {
      server.signal('SIGCONT');
      await server.stop();
    }
    await this.shared?.stop();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  /** A port that is free, and that none of the others has been given. */
  private async port(): Promise<number> {
    for (;;) {
      const port = await freePort();
      if (this.ports.has(port)) continue;
      this.ports.add(port);
      return port;
    }
  }

  private profile(self: ClusterServer, ttl: number): string {
    const { name } = self;
    const portOf = (server: ClusterServer): number => (server === self ? server.peer : (this.reached.get(server) ?? server.peer));
    const etcd = this.shared === null ? '' : `endpoints: ['${this.shared.url}']`;
    const shared = [
      'hosts: many',
      `  decision-log: { use: decision-etcd, config: { cluster: test, ${etcd} } }`,
      `  leader-lock: { use: lock-etcd, config: { key: /git-kv/test/kv/lock, ttl: ${ttl}, ${etcd} } }`,
    ];
    const [hosts = '', ...decisions] =
      this.shared === null ? ['', '  decision-log: { use: decision-journal }', '  leader-lock: { use: lock-flock }'] : shared;
    return [
      'name: cluster',
      'extends: embedded',
      hosts,
      'adapters:',
      '  peer-transport:',
      '    use: peer-http',
      '    config:',
      `      self: ${name}`,
      '      cluster: test',
      '      timeoutMs: 3000',
      `      keyFile: ${join(this.dir, 'cluster.key')}`,
      '      servers:',
      ...this.servers.map((server) => `        ${server.name}: http://127.0.0.1:${portOf(server)}`),
      ...decisions,
      '',
    ].join('\n');
  }
}
