import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/support/programs/free-port.js';
import { until } from '../../test/support/until.js';
import type { Links } from './links.js';

/** An etcd of several members on loopback, each synced, which reach each other by links. */
export class EtcdMembers {
  private readonly children: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    /** The first member's, for clients. */
    readonly url: string,
  ) {}

  static async start(count: number, links: Links): Promise<EtcdMembers> {
    const names = Array.from({ length: count }, (_, at) => `m${at}`);
    const members: { name: string; client: string; listen: string; reach: string }[] = [];
    for (const name of names) {
      const peer = await freePort();
      const client = `http://127.0.0.1:${await freePort()}`;
      members.push({ name, client, listen: `http://127.0.0.1:${peer}`, reach: `http://127.0.0.1:${await links.to(peer)}` });
    }
    const etcd = new EtcdMembers(await mkdtemp(join(tmpdir(), 'git-kv-etcds-')), members[0]?.client ?? '');
    const all = members.map(({ name, reach }) => `${name}=${reach}`).join(',');
    let log = '';
    for (const { name, client, listen, reach } of members) {
      const child = spawn(
        'etcd',
        [
          ...['--name', name, '--data-dir', join(etcd.folder, name), '--initial-cluster', all],
          ...['--listen-client-urls', client, '--advertise-client-urls', client],
          ...['--listen-peer-urls', listen, '--initial-advertise-peer-urls', reach],
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (log += text.toString()));
      etcd.children.push(child);
    }
    await until('all members serve clients', () => log.split('ready to serve client requests').length > count, {
      ms: 60_000,
      clue: () => log.slice(-3000),
    });
    return etcd;
  }

  async stop(): Promise<void> {
    for (const child of this.children) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
