import type { CommandIsolation, CommandLimits } from '../../ports/index.js';

/** What commands find their programs on. */
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What stands around a command, and for whom. */
export interface Walls {
  readonly isolation: CommandIsolation;
  /** Whether this process may become another user: else commands are this one's, in a user namespace where there may be one. */
  readonly isRoot: boolean;
  /** What is covered before the command is started. */
  readonly hide: readonly string[];
}

/** Covers what is to be hidden, then runs the command as the second process of its namespace: the first one may not be ended by signals. */
const COVER = `while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs -o size=4k,mode=000 none "$1" || exit 125
  elif [ -e "$1" ]; then mount --bind /dev/null "$1" || exit 125
  fi
  shift
done
shift
"$@"
exit $?`;

/** The command line that runs a command inside its walls, by programs of util-linux. `user` is the id it is to have. */
export function walled(
  { isolation, isRoot, hide }: Walls,
  limits: CommandLimits,
  user: number,
  argv: readonly string[],
): readonly [string, ...string[]] {
  const { network, processes, folders } = isolation;
  const line: string[] = [];
  const none = '-all';
  // The whole falls when this process does, whatever ends it.
  if (isolation.user) line.push('setpriv', '--pdeathsig', 'KILL', '--');
  if (network || processes || folders) {
    line.push('unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), ...(network ? ['--net'] : []));
    if (processes) line.push('--pid', '--ipc', '--fork', '--kill-child=KILL');
    if (folders) line.push('--mount', ...(processes ? ['--mount-proc'] : []));
    line.push('--');
    if (folders || processes) line.push('/bin/sh', '-c', COVER, 'sh', ...(folders ? hide : []), '--');
  }
  if (isolation.user) {
    const become = isRoot ? ['--reuid', String(user), '--regid', String(user), '--clear-groups'] : [];
    line.push('setpriv', ...become, `--inh-caps=${none}`, `--bounding-set=${none}`, '--no-new-privs', '--');
  }
  if (isolation.limits) {
    const { memory, fileSize, openFiles, processes: most, time } = limits;
    const seconds = Math.ceil(time / 1000) + 1;
    line.push('prlimit', `--data=${memory}`, `--fsize=${fileSize}`, `--nofile=${openFiles}`, `--nproc=${most}`);
    line.push(`--cpu=${seconds}`, '--core=0', '--');
  }
  return [...line, ...argv] as unknown as [string, ...string[]]; // a command has a program
}
