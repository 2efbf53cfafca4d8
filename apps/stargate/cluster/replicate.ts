import { undecided } from '../../../domain/gateway/commit/commit-refs.js';
import type { RefusedBecause } from '../../../domain/gateway/replicate/effects.js';
import type { Ack } from '../../../domain/gateway/replicate/quorum.js';
import { isReplicated } from '../../../domain/gateway/replicate/wire/leader-ref.js';
import { type ErrorCode, KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { IntentRecord } from '../../../ports/stargate/journal.js';
import type { ClusterMember } from './member/member.js';

const CODES: Readonly<Record<RefusedBecause, ErrorCode>> = {
  'not-leader': 'NOT_LEADER',
  'no-quorum': 'BUSY',
  storage: 'IO_ERROR',
  'not-level': 'BUSY',
  members: 'CONFIG_INVALID',
};

/** The error of a proposal that was refused: nothing of it is decided, nor will be. */
export function refusedBy(because: RefusedBecause, detail: string): KvError {
  const hint = because === 'no-quorum' ? 'try again: a majority of the servers must be there' : 'try again';
  return new KvError(CODES[because], `the cluster has not accepted it: ${detail}`, {
    hint: because === 'not-leader' ? 'push to the leader' : hint,
    details: { because },
    ...(because === 'not-leader' ? { advice: { id: 'push-to-leader' } } : {}),
  });
}

/** What is kept in memory until it is stored with its entry, bytes; more is stored first. */
const MOST_UNSTORED = 1024 * 1024;

/**
 * Has the cluster decide what a commit moves; `objects` are what it has made, which is on no disk yet. Throws `NOT_LEADER`, `BUSY` without a majority, `IO_ERROR` where the disk failed or nobody
 * can tell whether it was decided.
 */
export async function replicate(
  member: ClusterMember,
  store: Pick<GitStore, 'write'>,
  { id, updates, events }: IntentRecord,
  objects: readonly NewObject[],
  ack: Ack,
): Promise<void> {
  const odd = updates.find(({ ref }) => !isReplicated(ref));
  if (odd !== undefined) throw new KvError('UNEXPECTED', `${odd.ref} is no ref of the history that the servers share`);
  const isLarge = objects.reduce((sum, { body }) => sum + body.length, 0) > MOST_UNSTORED;
  if (isLarge) await store.write(objects);
  const answer = await member.propose({ id, updates, events, ack }, isLarge ? [] : objects);
  if (answer.outcome === 'refused') throw undecided(refusedBy(answer.because, answer.detail));
  if (answer.outcome === 'unknown')
    throw new KvError('IO_ERROR', 'whether it was accepted is not known here any more', {
      hint: 'send the same again: what has landed is known by its id',
    });
}
