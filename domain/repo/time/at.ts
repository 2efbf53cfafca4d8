import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { walkCommits } from '../log/walk.js';
import type { ObjectSource } from '../objects/source.js';

/** The newest commit that a tip reaches and that was committed at a time or before, as `git rev-list -1 --before` finds it. */
export async function commitAt(source: ObjectSource, tip: Oid, time: number): Promise<Oid> {
  if (!Number.isFinite(time)) throw new KvError('INPUT_INVALID', 'a time is milliseconds since the epoch');
  for await (const commit of walkCommits(source, [tip])) if (commit.time <= time) return commit.oid;
  throw new KvError('NOT_FOUND', 'there was no commit yet at that time', { hint: 'ask for a later time', details: { time } });
}
