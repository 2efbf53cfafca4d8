import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../root.js';
import { freePort } from './free-port.js';
import { until } from '../until.js';

/** Certificates that tests use, made to last: `server`, `client` are signed by `ca`, `stranger` by `other-ca`. */
export const TLS = join(ROOT, 'test', 'fixtures', 'etcd-tls');

/** A member of an etcd on loopback, most often its only one, with its data in a temporary folder. */
export class TestEtcd {
  private child: ChildProcess | undefined;
  private log = '';
  private name = 'default';
  /** All members, as etcd is told of them. */
  private members: string;

  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly peerPort: number,
    private readonly tls: boolean,
    private readonly sync: boolean,
  ) {
    this.members = `${this.name}=${this.peerUrl}`;
  }

  /**
   * Starts it, and waits until it answers. `tls`: it wants a certificate of its clients. Without `sync` it is quicker: nobody pulls the
   * plug of a test.
   */
  static async start({ tls = false, sync = false }: { readonly tls?: boolean; readonly sync?: boolean } = {}): Promise<TestEtcd> {
    const [port, peerPort] = [await freePort(), await freePort()];
    const etcd = new TestEtcd(await mkdtemp(join(tmpdir(), 'git-kv-etcd-')), port, peerPort, tls, sync);
    await etcd.resume();
    return etcd;
  }

  /** Starts an etcd of some members, at ports that each keeps while it is away, and waits until they answer. */
  static async startMembers(count: number, freePort: () => Promise<number>): Promise<TestEtcd[]> {
    const etcds: TestEtcd[] = [];
    for (let at = 1; at <= count; at++) {
      const [port, peerPort] = [await freePort(), await freePort()];
      const etcd = new TestEtcd(await mkdtemp(join(tmpdir(), 'git-kv-etcd-')), port, peerPort, false, false);
      etcd.name = `m${at}`;
      etcds.push(etcd);
    }
    const members = etcds.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
    for (const etcd of etcds) etcd.members = members;
    await Promise.all(etcds.map((etcd) => etcd.resume()));
    return etcds;
  }

  private get peerUrl(): string {
    return `http://127.0.0.1:${this.peerPort}`;
  }

  get url(): string {
    return `${this.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** Starts it again on the data that it has. */
  async resume(): Promise<void> {
    const { peerUrl: peer, name, members } = this;
    const args = [
      '--name',
      name,
      ...[
        '--data-dir',
        join(this.folder, 'data'),
        ...(this.sync ? [] : ['--unsafe-no-fsync']),
        '--heartbeat-interval',
        '50',
        '--election-timeout',
        '500',
      ],
      ...['--listen-client-urls', this.url, '--advertise-client-urls', this.url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', members],
      ...(this.tls ? ['--cert-file', join(TLS, 'server.pem'), '--key-file', join(TLS, 'server.key')] : []),
      ...(this.tls ? ['--client-cert-auth', '--trusted-ca-file', join(TLS, 'ca.pem')] : []),
    ];
    const child = spawn('etcd', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (this.log += text.toString()));
    await until('etcd serves clients', () => {
      if (child.exitCode !== null) throw new Error(`etcd ended: ${this.log}`);
      return this.log.includes('ready to serve client requests');
    });
    this.log = '';
  }

  /** Stops it where it is, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  /** Kills it; its data stay. */
  async halt(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }
}
