import { readFile } from 'node:fs/promises';
import { sshOptions } from '../../support/keys.js';
import { World, type WorldOptions } from '../../support/worlds/world.js';
import type { Address } from './attacks/forged-ssh.js';

const MiB = 1024;

/** A Stargate as a small machine has it: 256 MB of heap. */
export async function smallDaemon(options: WorldOptions, first?: string): Promise<World> {
  const world = await World.create(options);
  await world.stop();
  await world.start({ NODE_OPTIONS: '--max-old-space-size=256' }, first);
  return world;
}

/** Where its SSH server is. */
export const addressOf = ({ port }: World): Address => ({ host: '127.0.0.1', port });

/** What the daemon's process has in memory, and had at the most. MiB. */
export async function memoryOf({ pid }: World): Promise<{ readonly now: number; readonly most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / MiB;
  return { now: of('VmRSS'), most: of('VmHWM') };
}

/** Asks for the status as somebody with a key would; gives how long it took, ms. Throws where it isn't given. */
export async function timedStatus(world: World, person: string): Promise<number> {
  const started = performance.now();
  const args = [...sshOptions(world.key(person)), '-p', String(world.port), 'git@127.0.0.1', "git-kv-admin 'kv.git' status"];
  const { code, stdout, stderr } = await world.run('ssh', args);
  if (code !== 0 || !stdout.includes('"namespaces"'))
    throw new Error(`status: ${code} ${stderr}${stdout.slice(0, 300)}\n${world.daemonLog()}`);
  return performance.now() - started;
}
