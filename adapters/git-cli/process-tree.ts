import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Time to take lock files and half a pack away. Milliseconds. */
const GRACE_MS = 2000;

/**
 * Ends a process and all that it has started. Git ended alone leaves its ssh or its HTTP program behind, waiting for the same
 * silent host; a process group of its own would take the terminal, and with it the passphrase prompt and Ctrl-C, from them.
 */
export async function endTree(root: number): Promise<void> {
  const pids = [root, ...descendants(root, await parents())];
  signal(pids, 'SIGTERM');
  setTimeout(() => signal(pids, 'SIGKILL'), GRACE_MS).unref();
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself.
    }
  }
}

function descendants(root: number, parentOf: ReadonlyMap<number, number>): number[] {
  const found = [root];
  // An array grows while it is walked: children of children come later.
  for (const pid of found) for (const [child, parent] of parentOf) if (parent === pid) found.push(child);
  return found.slice(1);
}

/** Every process and its parent: from /proc where there is one, since a small container has no ps. */
async function parents(): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  const names = await readdir('/proc').catch(() => []); // not Linux
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''); // just ended
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
    if (parent !== undefined) found.set(Number(name), Number(parent));
  }
  if (found.size > 0) return found;
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']).catch(() => ({ stdout: '' }));
  for (const [, pid, parent] of stdout.matchAll(/^\s*(\d+)\s+(\d+)\s*$/gm)) found.set(Number(pid), Number(parent));
  return found;
}
