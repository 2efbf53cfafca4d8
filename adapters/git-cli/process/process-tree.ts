import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Time to take lock files and half a pack away. Milliseconds. */
const GRACE_MS = 2000;
const LOOK_EVERY_MS = 50;

/** A process; a number alone may be another's by the next look. */
interface Running {
  readonly pid: number;
  readonly parent: number;
  /** When it was started, in whatever form the system tells. */
  readonly started: string;
}

/**
 * Ends a process and all that it has started; resolves once that is over. Git ended alone leaves its ssh or its HTTP program behind,
 * waiting for the same silent host; a process group of its own would take the terminal, and with it the passphrase prompt and
 * Ctrl-C, from them.
 */
export async function endTree(root: number): Promise<void> {
  // What is stopped starts nothing more, which would not be in the list.
  send(root, 'SIGSTOP');
  let left = treeOf(root, await processes());
  signal(left, 'SIGTERM');
  send(root, 'SIGCONT');
  for (const until = Date.now() + GRACE_MS; left.length > 0 && Date.now() < until; ) {
    await sleep(LOOK_EVERY_MS);
    left = await stillRunning(left);
  }
  signal(left, 'SIGKILL');
}

function signal(those: readonly Running[], name: NodeJS.Signals): void {
  for (const { pid } of those) send(pid, name);
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended by itself.
  }
}

function treeOf(root: number, all: readonly Running[]): Running[] {
  const found = all.filter(({ pid }) => pid === root);
  // An array grows while it is walked: children of children come later.
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid));
  return found;
}

async function stillRunning(those: readonly Running[]): Promise<Running[]> {
  const startOf = new Map((await processes(those.map(({ pid }) => pid))).map(({ pid, started }) => [pid, started]));
  return those.filter(({ pid, started }) => startOf.get(pid) === started);
}

/** What runs, of some processes or of all: from /proc where there is one, since a small container has no ps. */
async function processes(pids?: readonly number[]): Promise<Running[]> {
  const names = await readdir('/proc').catch(() => []); // not Linux
  const listed = names.filter((name) => /^\d+$/.test(name));
  if (listed.length === 0) return fromPs(pids);
  const stats = (pids?.map(String) ?? listed).map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')); // just ended
  return (await Promise.all(stats)).flatMap((stat) => {
    const [, pid, rest = ''] = /^(\d+) \(.*\) (.*)$/s.exec(stat) ?? [];
    // From the third field on (proc(5)): the state, the parent; and the 22nd, the time of the start.
    const fields = rest.split(' ');
    const [state = '', parent, started = ''] = [fields[0], fields[1], fields[19]];
    return hasEnded(state) || pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), started }];
  });
}

async function fromPs(pids?: readonly number[]): Promise<Running[]> {
  const which = pids === undefined ? ['-A'] : ['-p', pids.join(',')];
  const list = promisify(execFile)('ps', [...which, '-o', 'pid=,ppid=,stat=,lstart=']);
  const { stdout } = await list.catch(() => ({ stdout: '' })); // there are none of these any more
  return [...stdout.matchAll(/^ *(\d+) +(\d+) +(\S+) +(.+?) *$/gm)].flatMap(([, pid, parent, state = '', started = '']) =>
    hasEnded(state) ? [] : [{ pid: Number(pid), parent: Number(parent), started }],
  );
}

/** Nobody has asked yet how it ended, and in some containers nobody ever does. */
const hasEnded = (state: string): boolean => state === '' || 'ZX'.includes(state.charAt(0));
