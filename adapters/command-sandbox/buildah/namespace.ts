import { type ChildProcess, spawn } from 'node:child_process';
import { readlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { KvError, startChild } from '../../../ports/index.js';
import { PATH } from '../walls.js';

/** Whom root of a build is outside of it, where this process is root: the first of as many ids as a build may use. */
export const BUILD_USER = 1_879_179_264;
const IDS = 65_536;

/** Where the storage is seen inside. Every system has this folder, and nobody keeps anything there. */
export const INSIDE = '/mnt';

/** Waits until the namespace has its ids, and becomes root of it. */
const WAIT = 'read -r go; exec setpriv --reuid 0 --regid 0 --clear-groups --inh-caps=-all --ambient-caps=-all -- "$@"';

/** Shows the storage, which is the folder that it begins in, at its place; covers what is hidden; and runs the rest among no other processes. */
const ENTER = `mount --no-canonicalize --bind . ${INSIDE} || exit 125
while [ "$1" != -- ]; do
  [ ! -d "$1" ] || mount -t tmpfs -o size=4k,mode=000 none "$1" || exit 125
  shift
done
shift
cd ${INSIDE} || exit 125
exec unshare --pid --fork --kill-child=KILL --mount-proc -- "$@"`;

/** What a build is started in. */
export interface BuildPlace {
  readonly storage: string;
  readonly hide: readonly string[];
  readonly network: boolean;
}

/**
 * Starts a program as root of a user namespace with nothing of this machine's but what everybody may read: a build does as it likes there.
 * `failed` is told of a start that fails after all. Throws as `startChild` does.
 */
export function startInside(
  { storage, hide, network }: BuildPlace,
  argv: readonly string[],
  failed: (error: KvError) => void,
): ChildProcess {
  const isRoot = process.getuid?.() === 0;
  const line = [
    ...['--pdeathsig', 'KILL', '--', 'unshare', '--user', ...(isRoot ? ['--keep-caps'] : ['--map-root-user'])],
    ...[...(network ? [] : ['--net']), '--ipc', '--mount', '--', ...(isRoot ? ['/bin/sh', '-c', WAIT, 'sh'] : [])],
    ...['/bin/sh', '-c', ENTER, 'sh', ...hide, '--', ...argv],
  ];
  const env = { PATH, HOME: `${INSIDE}/home`, TMPDIR: `${INSIDE}/home`, XDG_RUNTIME_DIR: `${INSIDE}/home`, LANG: 'C.UTF-8' };
  const wrong = (cause: Error): KvError =>
    new KvError('IO_ERROR', `a build can't be started: ${cause.message}`, { cause, hint: 'see that util-linux is installed' });
  const start = (): ChildProcess =>
    spawn('setpriv', line, { env, cwd: storage, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const child = startChild('setpriv', start, failed, wrong);
  child.stdin?.on('error', () => undefined); // it has ended already, which its status tells
  if (isRoot) void map(child);
  else child.stdin?.end();
  return child;
}

/** Gives the namespace of a child its ids, and lets the child go on. Where that fails it ends by the end of its input. */
async function map(child: ChildProcess): Promise<void> {
  try {
    const own = await readlink('/proc/self/ns/user');
    while ((await readlink(`/proc/${child.pid}/ns/user`)) === own) await delay(1);
    const ids = `0 ${BUILD_USER} ${IDS}\n`;
    await writeFile(`/proc/${child.pid}/gid_map`, ids);
    await writeFile(`/proc/${child.pid}/uid_map`, ids);
    child.stdin?.end('go\n');
  } catch {
    child.stdin?.end(); // there is nothing to map any more, or it may not be: what comes next says so
  }
}
