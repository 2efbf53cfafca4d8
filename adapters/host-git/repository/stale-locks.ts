import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A lock that is younger than this may belong to a git process that outlived its Stargate by a moment. Milliseconds. */
const SETTLED_AFTER = 1000;

/** What git writes beside the objects, in order to find them: of what upkeep has written, only this is locked. */
const INDEXES = ['pack/multi-pack-index', 'info/commit-graph', 'info/commit-graphs/commit-graph-chain'];

/**
 * Removes the `*.lock` files that a killed git has left beside refs, the config and indexes of objects, which would refuse every later change.
 * Only for the holder of the lease, before it takes pushes: nobody else moves refs then. Gives the names removed.
 */
export async function clearStaleLocks(gitDir: string): Promise<string[]> {
  const below = await readdir(join(gitDir, 'refs'), { recursive: true }).catch(() => []); // no refs folder: nothing is locked
  const names = [
    'HEAD.lock',
    'config.lock',
    'packed-refs.lock',
    ...INDEXES.map((name) => join('objects', `${name}.lock`)),
    ...below.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name)),
  ];
  const removed: string[] = [];
  for (const name of names) {
    if (await isStale(join(gitDir, name))) {
      await rm(join(gitDir, name), { force: true });
      removed.push(name);
    }
  }
  return removed;
}

/** Waits for a young lock to go or to grow old. */
async function isStale(path: string): Promise<boolean> {
  for (;;) {
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => undefined, // not there, or gone by now
    );
    if (age === undefined) return false;
    if (age >= SETTLED_AFTER) return true;
    await delay(Math.max(SETTLED_AFTER - age, 10));
  }
}
