import { type KvError, toKvError } from '../../../ports/error.js';
import type { Tracing } from '../../../ports/tracing.js';
import { type ExecSession, refuse, REFUSED } from '../exec-session.js';
import type { Log } from '../log/log.js';
import { notListed } from '../permission.js';
import type { ProvenKey } from './auth.js';
import { parseSshCommand } from './command.js';
import type { Reach, Reached } from './reach.js';
import type { Places } from './room/places.js';
import type { Routed } from './route.js';

/** What running commands takes. */
export interface CommandOptions {
  readonly reach: Reach;
  readonly places: Places;
  /** Told of each push that is refused before it begins, such as for the pusher's role; its log line and metric. */
  readonly pushRefused?: (session: ExecSession, error: KvError, ms: number) => void;
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly log: Log;
}

/** Who asks. */
export interface Asker {
  /** The proven key; what places are counted by. */
  readonly key: string;
  readonly proven: ProvenKey | undefined;
  readonly isListed: boolean;
  readonly writes: boolean;
}

/** Runs one line that a client asks to run; gives the exit status. `routed` hears what it is, and where, before it begins. */
export async function runCommand(
  line: unknown,
  session: ExecSession,
  asker: Asker,
  routed: (what: Routed, where: Reached) => void,
  options: CommandOptions,
): Promise<number> {
  const started = Date.now();
  let what = 'unreadable';
  let kind = what;
  let status = REFUSED;
  const { request, fingerprint, remote } = session;
  const who: { pusher: string; repository?: string } = { pusher: session.pusher.name };
  const facts = () => ({ request, ...who, fingerprint, remote });
  try {
    const command = parseSshCommand(typeof line === 'string' ? line : '');
    what = command.kind === 'git' ? command.service : command.kind === 'admin' ? `admin ${command.verb}` : 'git-kv-intents';
    kind = command.kind === 'git' ? command.service : command.kind === 'admin' ? 'git-kv-admin' : 'git-kv-intents'; // a verb is a client's text
    if (!asker.isListed) throw notListed();
    const reached = await options.reach(command.path, asker.proven);
    try {
      const pusher = reached.pusher();
      Object.assign(who, { pusher: pusher.name, repository: reached.name });
      const way = reached.route(command, pusher);
      routed(way, reached);
      const place = way.takes === null ? undefined : options.places.take({ ...asker, pushes: way.takes === 'push' });
      try {
        const enterPush = () => options.places.take({ ...asker, pushes: true });
        const own = place === undefined ? { enterPush } : { place };
        status = await way.serve({ ...session, pusher, pusherNow: reached.pusher, ...own });
      } finally {
        place?.leave();
      }
    } finally {
      reached.leave();
    }
    if (what === 'git-receive-pack') return status; // what serves pushes has written its line
  } catch (thrown) {
    const error = toKvError(thrown);
    session.trace?.refused(error);
    if (error.code === 'UNEXPECTED') options.log.error('ssh.exec.failed', { ...facts(), what, message: error.message });
    status = refuse(session, error);
    if (what === 'git-receive-pack') {
      options.pushRefused?.(session, error, Date.now() - started);
      return status;
    }
    options.log.warn('ssh.refused', { ...facts(), what, code: error.code, message: error.message, ms: Date.now() - started });
    return status;
  } finally {
    session.trace?.note({ command: kind });
    session.trace?.end();
  }
  options.log.info('ssh.exec', { ...facts(), what, status, ms: Date.now() - started });
  return status;
}

/** Refuses a command whose connection has no room, as one that is not run: nobody has looked at it. */
export function turnAway(session: ExecSession, line: unknown, error: KvError, { pushRefused, log }: CommandOptions): void {
  const { request, pusher, fingerprint, remote } = session;
  refuse(session, error);
  if (typeof line === 'string' && /^git[ -]receive-pack /.test(line)) pushRefused?.(session, error, 0);
  else log.warn('ssh.refused', { request, pusher: pusher.name, fingerprint, remote, code: error.code, message: error.message });
}
