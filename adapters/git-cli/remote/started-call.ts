import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { KvError } from '../../../ports/error.js';
import { startChild } from '../../../ports/start-child.js';
import { endOn } from '../process/end-on.js';
import type { GitPlace } from '../process/run-git.js';
import { saidSoFar } from '../process/said.js';
import { SilenceWatch } from './failure/silence.js';
import { noOpenSsh } from './ssh/ssh-program.js';

/** An admin verb as ssh is started for it. */
export interface AdminCall {
  readonly program: string;
  readonly argv: readonly string[];
  readonly url: string;
  /** The verb and where it is asked, as messages begin. */
  readonly what: string;
}

/** What becomes of a call that doesn't come to its own end. */
interface CallEnds {
  /** ssh could not be started. */
  readonly failed: (error: KvError) => void;
  /** It is being ended, since the other side is silent or the signal has fired; `over` resolves when it has ended. */
  readonly ended: (error: KvError, over: Promise<void>) => void;
}

/** A call under way. */
interface StartedCall {
  readonly child: ChildProcessWithoutNullStreams;
  /** What ssh and the other side have said on standard error, as far as it is kept. */
  readonly said: () => string;
  /** The other side may be silent from now on. */
  readonly unwatch: () => void;
}

/** Starts ssh for a call, under watch: each byte of the other side is a sign of life. */
export function startCall(place: GitPlace, call: AdminCall, signal: AbortSignal | undefined, ends: CallEnds): StartedCall {
  const { cwd, env } = place;
  const start = () => spawn(call.program, call.argv, { cwd, env: env as NodeJS.ProcessEnv, stdio: 'pipe' });
  const failed = (error: KvError): void => {
    watch.stop();
    ends.failed(error);
  };
  const child = startChild(call.program, start, failed, (cause) => noOpenSsh(call.program, cause));
  const watch = new SilenceWatch(place, child, call.url, ends.ended);
  endOn(signal, child, ends.ended);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', watch.heard);
  child.stdin.on('error', () => undefined); // a client that has ended says why on its standard error
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = saidSoFar(said, text)));
  return { child, said: () => said, unwatch: watch.stop };
}
