import type { ChildProcess } from 'node:child_process';
import type { Stream } from 'node:stream';
import type { KvError } from '../../ports/error.js';
import { type Environment, type GitPlace, type GitResult, type RunOptions, runGit } from './git.js';
import { withoutProgress } from './progress.js';
import { SilenceWatch } from './silence.js';

/**
 * Has git tell of everything that comes from the other side: of each packet, among them the empty ones by which a server that
 * works says that it lives, and of a pack's content. Its progress would not do: git is silent about small packs.
 */
const [PACKETS, CONTENT] = [8, 9]; // a hook of a repository on this machine inherits them: those that scripts use are left alone
const TELL: Environment = {
  GIT_TRACE_PACKET: String(PACKETS),
  GIT_TRACE_PACKFILE: String(CONTENT),
  ...{ GIT_TRACE_CURL: String(PACKETS), GIT_TRACE_CURL_NO_DATA: '1' },
};

/** The pack is here: what follows is work in this clone, however long it takes. */
const PACK_ENDS = / packet: +sideband< 0000\n/;
/** A plain web server, from which git takes file by file and says nothing meanwhile. */
const DUMB_HTTP = / Send header: GET \S*\/objects\//;

export interface RemoteRunOptions extends Pick<RunOptions, 'input' | 'onStderr'> {
  /** The other side: a remote's name, or its URL. */
  readonly from: string;
}

/** Runs a git command that talks to another side. Throws `IO_ERROR` when that is silent for as long as `kv.timeout` allows. */
export async function runRemote(place: GitPlace, args: readonly string[], options: RemoteRunOptions): Promise<GitResult> {
  const { from, ...rest } = options;
  const pulls = args.includes('fetch');
  const supervise = (child: ChildProcess, failed: (error: KvError) => void): void => {
    const watch = new SilenceWatch(place, child, from, failed);
    const streams = child.stdio as readonly (Stream | null)[];
    for (const stream of streams.slice(1)) stream?.on('data', watch.heard);
    streams[PACKETS]?.on('data', (chunk: Buffer) => {
      const told = chunk.toString('latin1');
      if (DUMB_HTTP.test(told) || (pulls && PACK_ENDS.test(told))) watch.stop();
    });
    for (const end of ['error', 'exit']) child.on(end, watch.stop);
  };
  const telling = { cwd: place.cwd, env: { ...TELL, ...place.env } };
  const result = await runGit(telling, args, { ...rest, supervisor: { pipes: [PACKETS, CONTENT], supervise } });
  return { ...result, stderr: withoutProgress(result.stderr) };
}
