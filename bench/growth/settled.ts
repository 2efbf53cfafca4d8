import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../../test/support/worlds/world.js';

/** So often in a row, with 200 ms between them, nobody is seen at it. */
const QUIET = 10;

/** Waits until the mirror has everything, and no Git of this World packs what it has. */
export async function settled(world: World): Promise<void> {
  await world.mirrored();
  for (let quiet = 0; quiet < QUIET; await sleep(200)) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const packs = await Promise.all(pids.map((pid) => isPacking(pid, world.dir)));
    quiet = packs.includes(true) ? 0 : quiet + 1;
  }
}

async function isPacking(pid: string, below: string): Promise<boolean> {
  const [words, cwd] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''), // it has ended
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  return cwd.startsWith(below) && /\0(?:gc|repack|pack-objects|multi-pack-index)\0/.test(words);
}
