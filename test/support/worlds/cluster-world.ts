import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterServer } from './cluster-server.js';
import { TestEtcd } from '../programs/etcd.js';
import { isolatedEnv } from './isolated-env.js';
import { makeKey, sshOptions } from '../keys.js';
import { LinkProxy } from './link-proxy.js';
import { type CommandOptions, runProgram } from '../commands/kept.js';
import type { Ran } from '../programs/processes.js';
import { BIN_DIR, HOST_KEYS } from '../root.js';
import { SmallDisk } from './small-disk.js';
import { until } from '../until.js';
import { freePort } from '../programs/free-port.js';

export { ClusterServer } from './cluster-server.js';

/** How a cluster of processes is to be. */
export interface ClusterWorldOptions {
  readonly servers: number;
  /** Changes the policy that init wrote; `publicKey` is the line of somebody's key. */
  readonly policy?: (text: string, publicKey: (person: string) => string) => string;
  /** How long a leader that is gone keeps the others waiting, seconds. */
  readonly ttl?: number;
  /** Gives the port at which the others reach a server, such as one of a proxy; its own when absent. */
  readonly reach?: (server: ClusterServer) => Promise<number>;
  /** One server that is in no cluster. */
  readonly alone?: boolean;
  /** Of etcd; one when absent. Without any, decisions are the first server's own. */
  readonly etcdMembers?: number;
  /** Servers reach each other, and etcd, by links that can be cut. */
  readonly links?: boolean;
  /** Each server has a small disk of its own, of so many MiB, where that is allowed. */
  readonly diskMib?: number;
  /** More people, whose keys are `key(name)`. */
  readonly people?: readonly string[];
  /** More of the servers' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Stargates of one cluster on loopback, each a process, with an etcd of one member, a mirror, and a person with a clone. */
export class ClusterWorld {
  readonly servers: ClusterServer[] = [];
  readonly etcds: TestEtcd[] = [];
  /** By `from>to`; etcd's members are `etcd-1` and so on. */
  readonly links = new Map<string, LinkProxy>();
  private readonly ports = new Set<number>();
  private readonly reached = new Map<ClusterServer, number>();

  private constructor(
    readonly dir: string,
    readonly serverEnv: Readonly<Record<string, string>>,
  ) {}

  static async create(options: ClusterWorldOptions): Promise<ClusterWorld> {
    const world = new ClusterWorld(await mkdtemp(join(tmpdir(), 'git-kv-cluster-')), options.env ?? {});
    try {
      await world.begin(options);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  private async begin(options: ClusterWorldOptions): Promise<void> {
    const { servers, policy = (text: string) => text, ttl = 2, etcdMembers = 1, diskMib, reach, alone = false } = options;
    const { dir } = this;
    this.etcds.push(...(await TestEtcd.startMembers(etcdMembers, () => this.port())));
    await mkdir(join(dir, 'bin'));
    await mkdir(join(dir, 'home'));
    for (const name of ['git-kv', 'git-kv-stargate']) await symlink(join(BIN_DIR, `${name}.js`), join(dir, 'bin', name));
    for (const person of ['ada', ...(options.people ?? [])]) makeKey(join(dir, person), person);
    await writeFile(join(dir, 'cluster.key'), `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    for (let at = 1; at <= servers; at++)
      this.servers.push(new ClusterServer(this, `server-${at}`, await this.port(), await this.port()));
    if (options.links === true) await this.link();
    for (const server of this.servers) this.reached.set(server, (await reach?.(server)) ?? server.peer);
    await this.must('git', ['init', '-q', '--bare', '--initial-branch=main', this.mirror]);
    for (const [at, server] of this.servers.entries()) {
      const folder = join(dir, server.name);
      if (diskMib !== undefined) server.disk = SmallDisk.mount(folder, diskMib);
      await mkdir(folder, { recursive: true });
      await writeFile(join(dir, `${server.name}.yaml`), alone ? 'name: alone\nextends: embedded\n' : this.profile(server, ttl));
      const common = ['init', '--repo', server.repo, '--mirror-remote', this.mirror, '--host-keys', HOST_KEYS];
      const first = ['--no-initial-branch', '--push-url', server.pushUrl, '--admin', join(dir, 'ada.pub')];
      await this.must('git-kv-stargate', [...common, ...(at === 0 ? first : ['--join'])]);
    }
    const file = join((this.servers[0] as ClusterServer).repo, '.kv', 'policy.yaml');
    const urls = this.servers.map(({ name, pushUrl }) => `    ${name}: ${pushUrl}\n`).join('');
    const text = (await readFile(file, 'utf8')).replace(/^stargate:\n/m, `stargate:\n  push_urls:\n${urls}`);
    await writeFile(
      file,
      policy(text, (person) => readFileSync(join(dir, `${person}.pub`), 'utf8').trim()),
    );
    for (const server of this.servers) server.start();
    for (const server of this.servers) await server.ready();
  }

  private async link(): Promise<void> {
    const ends = [
      ...this.servers.map(({ name, peer }) => [name, peer] as const),
      ...this.etcds.map(({ port }, at) => [`etcd-${at + 1}`, port] as const),
    ];
    for (const { name } of this.servers)
      for (const [to, port] of ends) if (to !== name) this.links.set(`${name}>${to}`, await LinkProxy.to(port));
  }

  /** The first member of etcd. */
  get etcd(): TestEtcd {
    return this.etcds[0] as TestEtcd;
  }

  get mirror(): string {
    return join(this.dir, 'mirror.git');
  }

  get clone(): string {
    return this.clonePath('clone');
  }

  clonePath(name: string): string {
    return join(this.dir, name);
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

  /** Makes a clone, set up as a developer would, once the mirror shows the policy. */
  async makeClone(name = 'clone'): Promise<void> {
    const clone = this.clonePath(name);
    await until(
      'the mirror shows the policy',
      async () =>
        (await this.run('git', ['-C', this.mirror, 'rev-parse', '-q', '--verify', 'refs/kv-policy/current'])).code === 0,
    );
    await this.must('git', ['init', '-q', '--initial-branch=main', clone]);
    const sections = [
      `[remote "origin"]\n\turl = ${this.mirror}\n\tfetch = +refs/heads/*:refs/remotes/origin/*`,
      `[user]\n\tname = ada\n\temail = ada@example.org\n\tsigningKey = ${join(this.dir, 'ada')}`,
      '[gpg]\n\tformat = ssh\n',
    ];
    await appendFile(join(clone, '.git', 'config'), sections.join('\n'));
    await this.must('git-kv', ['remote', 'setup'], { cwd: clone });
  }

  /** `git kv …` in the clone, pushing to a server. */
  async kv(args: readonly string[], to?: ClusterServer): Promise<Ran> {
    if (to !== undefined) await this.must('git', ['-C', this.clone, 'config', 'remote.origin.pushurl', to.pushUrl]);
    return this.run('git-kv', args, { cwd: this.clone });
  }

  /** Runs git as whoever: all have one environment here. */
  git(cwd: string, _person: string, args: readonly string[]): Promise<Ran> {
    return this.run('git', args, { cwd });
  }

  /** `git-kv-stargate cluster …` on a server; it must succeed. */
  cluster(on: ClusterServer, args: readonly string[]): Promise<Ran> {
    return this.must('git-kv-stargate', ['cluster', ...args, '--repo', on.repo, '--profile', join(this.dir, `${on.name}.yaml`)]);
  }

  run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    return runProgram(command, args, { cwd: this.dir, env: this.env, ...options });
  }

  /** Runs what can't fail. */
  async must(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    const ran = await this.run(command, args, options);
    if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}${ran.stdout}\n${this.logs()}`);
    return ran;
  }

  /** Waits until all servers that run show the same refs. `ms`: how long that may take. */
  async level(ms?: number): Promise<void> {
    const same = async (): Promise<boolean> => {
      const all = await Promise.all(this.servers.filter(({ runs }) => runs).map((server) => server.refs()));
      return all.every((one) => one === all[0]);
    };
    await until('all servers show the same refs', same, { clue: () => this.logs(), ...(ms === undefined ? {} : { ms }) });
  }

  async close(): Promise<void> {
    for (const server of this.servers) {
      server.signal('SIGCONT');
      await server.stop(server.disk === null ? 'SIGTERM' : 'SIGKILL');
      server.disk?.unmount();
    }
    for (const link of this.links.values()) link.close();
    for (const etcd of this.etcds) await etcd.stop();
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
    const linked = (to: string, port: number): string => `http://127.0.0.1:${this.links.get(`${name}>${to}`)?.port ?? port}`;
    const endpoints = this.etcds.map(({ port }, at) => `'${linked(`etcd-${at + 1}`, port)}'`);
    const etcd = `endpoints: [${endpoints.join(', ')}]`;
    return [
      'name: cluster',
      'extends: embedded',
      this.etcds.length === 0 ? '' : 'hosts: many',
      'adapters:',
      '  peer-transport:',
      '    use: peer-http',
      '    config:',
      `      self: ${name}`,
      '      cluster: test',
      '      timeoutMs: 3000',
      `      keyFile: ${join(this.dir, 'cluster.key')}`,
      '      servers:',
      ...this.servers.map((server) => `        ${server.name}: ${linked(server.name, portOf(server))}`),
      ...(this.etcds.length === 0
        ? ['  decision-log: { use: decision-journal }', '  leader-lock: { use: lock-flock }']
        : [
            `  decision-log: { use: decision-etcd, config: { cluster: test, ${etcd} } }`,
            `  leader-lock: { use: lock-etcd, config: { key: /git-kv/test/kv/lock, ttl: ${ttl}, ${etcd} } }`,
          ]),
      '',
    ].join('\n');
  }
}
