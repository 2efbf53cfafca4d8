import type { PushOptions } from '../../../ports/git/git-remote.js';
import { traceOption } from '../../../ports/grammar/trace-context.js';
import type { ObjectFormat, RefUpdate } from '../../../ports/vocabulary.js';
import { checkOid, checkRef } from '../process/guard.js';
import type { GitPlace, GitResult } from '../process/run-git.js';
import { withoutHistory } from './failure/no-history.js';
import { pushError } from './push-outcome.js';
import { agentOf } from './receive-pack/conversation.js';
import { remoteLines } from './failure/remote-lines.js';
import { runTransfer } from './fetch/transfer.js';

const PUSH = ['push', '--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', '--recurse-submodules=no'];

/** What git says when the other side is a Stargate of before push options, or no Stargate. */
const NO_OPTIONS = /receiving end does not support push options/;

/** The clone that is pushed from. */
export interface PushSource {
  readonly place: GitPlace;
  readonly commonDir: string;
  readonly format: ObjectFormat;
}

/** Pushes to a remote whose pushurl is `url`, as `GitRemote.push` has it. */
export async function pushRefs(
  source: PushSource,
  { remote, url }: { readonly remote: string; readonly url: string },
  updates: readonly RefUpdate[],
  { atomic, restarts, turn, trace, onRemoteLine, onProgress, signal }: PushOptions,
): Promise<void> {
  const { format } = source;
  // Ours is the only name that git lets a client choose; see agentOf.
  const place =
    turn === undefined ? source.place : { ...source.place, env: { ...source.place.env, GIT_USER_AGENT: agentOf(turn) } };
  // A push is silent while it gathers what it sends: then its progress tells that it lives.
  const command = [...PUSH, '--progress', atomic ? '--atomic' : '--no-atomic'];
  for (const { ref, old } of updates) {
    // An explicit lease is what makes git compare with `old` instead of with whatever is there.
    command.push(`--force-with-lease=${checkRef(ref)}:${old === null ? '' : checkOid(old, format)}`);
  }
  const refspecs = updates.map(({ ref, next }) => `${next === null ? '' : checkOid(next, format)}:${ref}`);
  const onStderr = onRemoteLine === undefined ? undefined : remoteLines(onRemoteLine);
  const push = (options: readonly string[]): Promise<GitResult> => {
    const run = (from: GitPlace): Promise<GitResult> =>
      runTransfer(from, {
        ...{ command: [...command, ...options], repository: remote, refspecs, onProgress, to: url, signal },
        ...(onStderr ? { onStderr } : {}),
      });
    return restarts === true ? withoutHistory({ ...source, place }, run) : run(place);
  };
  const options = trace ? [`--push-option=${traceOption(trace)}`] : [];
  let result = await push(options);
  // Git says so before it sends anything.
  if (options.length > 0 && result.code !== 0 && NO_OPTIONS.test(result.stderr)) result = await push([]);
  if (result.code !== 0) throw pushError({ remote, url }, result.stdout.toString('utf8'), result.stderr);
}
