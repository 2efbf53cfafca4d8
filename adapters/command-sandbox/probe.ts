import { execFile } from 'node:child_process';
import type { CommandIsolation, CommandLimits } from '../../ports/index.js';
import { PATH, type Walls, walled } from './walls.js';

const ALL: CommandIsolation = { user: true, network: true, processes: true, folders: true, limits: true };
const NONE: CommandIsolation = { user: false, network: false, processes: false, folders: false, limits: false };
const LITTLE: CommandLimits = { time: 5000, memory: 2 ** 28, fileSize: 1024, openFiles: 64, processes: 64, output: 0 };

/** A user id that nobody has: those of one command may not meddle with another's. Below what user namespaces of containers are given. */
export const FIRST_USER = 1_879_048_192;

/** Finds out what this system lets us put around a command: all of it, or else each by itself. */
export async function probe(hide: readonly string[]): Promise<Walls> {
  const isRoot = process.getuid?.() === 0;
  const walls = (isolation: CommandIsolation): Walls => ({ isolation, isRoot, hide });
  if (await holds(walls(ALL))) return walls(ALL);
  let found = NONE;
  // Each on top of those that hold: some, such as a mount of /proc, depend on others.
  for (const one of ['limits', 'user', 'network', 'processes', 'folders'] as const) {
    const more = { ...found, [one]: true };
    if (await holds(walls(more))) found = more;
  }
  return walls(found);
}

function holds(walls: Walls): Promise<boolean> {
  const [program, ...args] = walled(walls, LITTLE, FIRST_USER, ['/bin/true']);
  return new Promise((resolve) => {
    execFile(program, args, { env: { PATH }, timeout: 10_000 }, (error) => resolve(error === null));
  });
}
