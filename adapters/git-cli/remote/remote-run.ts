import type { ChildProcess } from 'node:child_process';
import type { Stream } from 'node:stream';
import { type Environment, type GitPlace, type GitResult, type RunOptions, runGit, type Supervisor } from '../process/run-git.js';
import { withoutProgress } from '../process/progress.js';
import { endOn } from '../process/end-on.js';
import { SilenceWatch } from './failure/silence.js';

/**
 * Has git tell of everything that comes from the other side: of each packet, among them the empty ones by which a server that
 * works says that it lives, and of a pack's content. Its progress would not do: git is silent about small packs.
 */
const [PACKETS, CONTENT] = [8, 9]; // programs on this machine inherit both: the descriptors that scripts use are left alone
const TELL: Environment = {
  GIT_TRACE_PACKET: String(PACKETS),
  GIT_TRACE_PACKFILE: String(CONTENT),
  ...{ GIT_TRACE_CURL: String(PACKETS), GIT_TRACE_CURL_NO_DATA: '1' },
};

/** The pack is here: what follows is work in this clone, however long it takes. */
const PACK_ENDS = / packet: +sideband< 0000\n/;
/** A plain web server, from which git takes file by file and says nothing meanwhile. */
const DUMB_HTTP =
  / Send header: GET \S*\/objects\/(?:info\/(?:packs|(?:http-)?alternates)|pack\/pack-|[0-9a-f]{2}\/[0-9a-f]{38})/;
/** A repository on this machine, told as git tells a path from `host:path`. */
const ON_THIS_MACHINE = /^(?:file:\/\/|[^:/]*(?:\/|$))/;

interface RemoteRunOptions extends Pick<RunOptions, 'input' | 'onStderr'> {
  /** The other side: a remote's name, or its URL, as which a push must give it. */
  readonly from: string;
  readonly signal?: AbortSignal | undefined;
  /** Hears the number of the process, by which git names what it leaves. */
  readonly started?: (pid: number | undefined) => void;
}

/** Runs a git command that talks to another side. Throws `IO_ERROR` when that is silent for as long as `kv.timeout` allows, `INTERRUPTED` when the signal fires. */
export async function runRemote(place: GitPlace, args: readonly string[], options: RemoteRunOptions): Promise<GitResult> {
  const { from, signal, started, ...rest } = options;
  // The hooks of a repository on this machine inherit what git is told to tell, and a git that one of them leaves running would
  // die of it once nobody listens. Only a push runs any, and on this machine silence is work.
  const runsHooksHere = args.includes('push') && ON_THIS_MACHINE.test(from);
  const result = runsHooksHere
    ? await runGit(place, args, { ...rest, supervisor: ending(signal) })
    : await runGit({ ...place, env: { ...TELL, ...place.env } }, args, {
        ...rest,
        supervisor: listening(
          place,
          { from, signal, ...(started === undefined ? {} : { started }) },
          args.some((arg) => arg === 'fetch' || arg === 'fetch-pack'),
        ),
      });
  return { ...result, stderr: withoutProgress(result.stderr) };
}

/** Nothing is listened for; the process ends when the signal fires. */
function ending(signal: AbortSignal | undefined): Supervisor {
  return { pipes: [], supervise: (child, failed) => endOn(signal, child, failed) };
}

function listening(
  place: GitPlace,
  { from, signal, started }: Pick<RemoteRunOptions, 'from' | 'signal' | 'started'>,
  pulls: boolean,
): Supervisor {
  const supervise: Supervisor['supervise'] = (child: ChildProcess, failed) => {
    const watch = new SilenceWatch(place, child, from, failed);
    endOn(signal, child, failed);
    started?.(child.pid);
    const streams = child.stdio as readonly (Stream | null)[];
    for (const stream of streams.slice(1)) stream?.on('data', watch.heard);
    let line = '';
    streams[PACKETS]?.on('data', (chunk: Buffer) => {
      const told = line + chunk.toString('latin1');
      if (DUMB_HTTP.test(told) || (pulls && PACK_ENDS.test(told))) watch.stop();
      line = told.slice(told.lastIndexOf('\n') + 1);
    });
    for (const end of ['error', 'exit']) child.on(end, watch.stop);
  };
  return { pipes: [PACKETS, CONTENT], supervise };
}
