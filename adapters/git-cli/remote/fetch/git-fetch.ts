import { KvError } from '../../../../ports/error.js';
import type { Direction, FetchOptions, FetchRequest } from '../../../../ports/git/git-remote.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import type { GitPlace, GitResult } from '../../process/run-git.js';
import { unlessRaced } from '../../refs/local-race.js';
import { listRefs } from '../../refs/refs.js';
import type { FetchFile } from './fetch-file.js';
import { exactRefspec, optionalRefspec } from '../refspec.js';
import { NOT_GIVEN } from '../failure/remote-error.js';
import { remoteFailure } from '../failure/remote-failure.js';
import { runTransfer } from './transfer.js';

const FETCH = [
  'fetch',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--recurse-submodules=no',
  '--refmap=',
  '--atomic',
];

/** A side of a remote to fetch from; `from` is what git is given for it. */
export interface FetchSide {
  readonly remote: string;
  readonly direction: Direction;
  readonly from: string;
}

/** Brings refs whose names were checked, as `GitRemote.fetch` has it; `file` remembers which of them were not there. */
export async function fetchRefs(
  place: GitPlace,
  file: FetchFile,
  { remote, direction, from }: FetchSide,
  requests: readonly FetchRequest[],
  { onProgress, signal }: FetchOptions,
): Promise<void> {
  const attempt = { remote, direction, what: `cannot fetch from '${remote}'` };
  const label = (request: FetchRequest): string => `${remote} ${direction} ${request.remoteRef}`;
  const absent = new Set((await file.read()).absent);
  const run = (refspecs: readonly string[]): Promise<GitResult> =>
    unlessRaced(() => runTransfer(place, { command: [...FETCH, '--prune'], repository: from, refspecs, onProgress, signal }));
  // A ref that was not there last time is asked for by a pattern, so that its absence costs no second connection.
  const isOptional = (each: FetchRequest): boolean => each.seldom === true || absent.has(label(each));
  const first = await run(requests.map((each) => (isOptional(each) ? optionalRefspec(each) : exactRefspec(each))));
  if (first.code === 0) return;
  if (!/couldn't find remote ref/.test(first.stderr)) throw await remoteFailure(place, attempt, first.stderr);
  const second = await run(requests.map(optionalRefspec));
  if (second.code !== 0) throw await remoteFailure(place, attempt, second.stderr);
  const present = await listRefs(
    place,
    requests.map((each) => each.localRef),
  );
  await file.update((content) => {
    const known = new Set(content.absent);
    for (const each of requests.filter(({ seldom }) => seldom !== true)) {
      if (present.has(each.localRef)) known.delete(label(each));
      else known.add(label(each));
    }
    content.absent = [...known];
  });
}

/** Brings objects by their ids, as `GitRemote.fetchObjects` has it. */
export async function fetchByIds(
  place: GitPlace,
  { remote, direction, from }: FetchSide,
  oids: readonly Oid[],
  { onProgress, signal }: FetchOptions,
): Promise<void> {
  // Telling the other side what is here would have it walk all of that, to leave out what was not asked for.
  const command = ['-c', 'fetch.negotiationAlgorithm=noop', ...FETCH, '--stdin'];
  const input = `${oids.join('\n')}\n`;
  const transfer = { command, repository: from, refspecs: [], onProgress, input, signal };
  const result = await unlessRaced(() => runTransfer(place, transfer));
  if (result.code === 0) return;
  if (NOT_GIVEN.test(result.stderr)) {
    throw new KvError('NOT_FOUND', `'${remote}' does not give all of these objects by their ids`, {
      hint: 'fetch the ref that reaches them',
    });
  }
  throw await remoteFailure(place, { remote, direction, what: `cannot fetch from '${remote}'` }, result.stderr);
}
