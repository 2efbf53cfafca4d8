import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { checkOid, checkRef } from '../process/guard.js';
import type { GitPlace } from '../process/run-git.js';
import type { FetchSide } from './fetch/git-fetch.js';
import { remoteFailure } from './failure/remote-failure.js';
import { runRemote } from './remote-run.js';

/** Lists a side's refs by patterns, as `GitRemote.listRefs` has it. */
export async function lsRemote(
  place: GitPlace,
  format: ObjectFormat,
  { remote, direction, from }: FetchSide,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<RefName, Oid>> {
  const matches = patterns.map(patternTest);
  const result = await runRemote(place, ['ls-remote', '--refs', '--end-of-options', from, ...patterns], { from, signal });
  if (result.code !== 0) {
    throw await remoteFailure(place, { remote, direction, what: `cannot list the refs of '${remote}'` }, result.stderr);
  }
  const found = new Map<RefName, Oid>();
  for (const line of result.stdout.toString('utf8').split('\n')) {
    const [oid = '', ref = ''] = line.split('\t');
    // git matches the tail of a name.
    if (matches.some((match) => match(ref))) found.set(ref, checkOid(oid, format));
  }
  return found;
}

/** A full name, or a glob in which `*` stands for any text. */
function patternTest(pattern: string): (ref: RefName) => boolean {
  checkRef(pattern.replaceAll('*', 'x'));
  const regexp = new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
  return (ref) => regexp.test(ref);
}
