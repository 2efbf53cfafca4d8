import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openClone, openStargate } from '../../apps/sdk/index.js';
import { type ClusterServer, ClusterWorld } from '../../test/support/worlds/cluster-world.js';
import { until } from '../../test/support/until.js';
import { Links } from './links.js';

/** What a cluster is measured by: a namespace that is linear, `main`, and one that is sequenced, `seq`. */
export class Place {
  private constructor(
    readonly world: ClusterWorld,
    readonly links: Links,
  ) {}

  /** `ttl`: how long a leader that is gone keeps the others waiting, seconds. */
  static async open(servers: number, { alone = false, ttl = 30 } = {}): Promise<Place> {
    const links = new Links();
    const policy = (text: string): string => text.replace(/^namespaces:\n/m, (line) => `${line}${sequenced(text)}`);
    const world = await ClusterWorld.create({ servers, alone, ttl, policy, reach: ({ peer }) => links.to(peer) });
    return new Place(world, links);
  }

  /** A writer to the sequenced namespace, over one stream to whoever leads, whose host key ssh notes first. */
  async stream() {
    const { pushUrl } = await this.world.leader();
    await this.world.run('git', ['ls-remote', pushUrl]);
    const who = { knownHosts: join(this.world.dir, 'known_hosts'), key: join(this.world.dir, 'ada') };
    return openStargate({ url: pushUrl, author: 'ada <ada@example.org>', namespace: 'seq', ...who });
  }

  /** A program with a clone, which writes to the linear namespace; it pushes to whoever leads. */
  async clone() {
    const { world } = this;
    const { pushUrl } = await world.leader();
    await world.run('git', ['ls-remote', pushUrl]);
    await world.makeClone();
    await world.must('git', ['-C', world.clone, 'config', 'remote.origin.pushurl', pushUrl]);
    return openClone({ directory: world.clone, env: world.env, ns: 'main', offline: true });
  }

  /** Has a write wait for so many disks from now on. */
  async ack(ack: 'leader' | 'standby' | 'quorum'): Promise<void> {
    const leader = await this.world.leader();
    const file = join(leader.repo, '.kv', 'policy.yaml');
    const text = (await readFile(file, 'utf8')).replace(/^ {2}ack: \w+\n/m, '');
    await writeFile(file, text.replace(/^stargate:\n/m, `stargate:\n  ack: ${ack}\n`));
    const published = leader.log.split('"event":"policy.changed"').length;
    await until('the policy is in force', () => leader.log.split('"event":"policy.changed"').length > published);
  }

  async close(): Promise<void> {
    await this.world.close();
    this.links.close();
  }
}

function sequenced(policy: string): string {
  const key = /ssh-ed25519 [A-Za-z0-9+/=]+/.exec(policy)?.[0] ?? '';
  return `  seq: { ledger_mode: sequenced, writers: ['${key} ada'] }\n`;
}

/** What a process has in memory, and has had at most, MiB. */
export async function memoryOf({ pid }: ClusterServer): Promise<{ readonly now: number; readonly most: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { now: Math.round(kib('VmRSS') / 1024), most: Math.round(kib('VmHWM') / 1024) };
}
