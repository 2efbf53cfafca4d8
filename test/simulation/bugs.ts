import { majorityOf } from '../../domain/gateway/replicate/quorum.js';
import { RULES } from '../../domain/gateway/replicate/rules.js';
import type { Bug } from './bug.js';

/** A planted mistake, with a seed whose schedule shows it. */
export interface Planted extends Bug {
  readonly name: string;
  /** The first seed that finds it. */
  readonly seed: number;
}

/** Mistakes that protocols of this kind were built with, each of which the simulation must find. */
export const PLANTED: readonly Planted[] = [
  { name: 'a vote is cast before the entry is synced', seed: 1, answersBeforeSync: true },
  {
    name: 'older terms are not refused',
    seed: 15213,
    rules: { isOldTerm: () => false },
  },
  {
    name: 'a prepare that comes late replaces a newer one of its term',
    seed: 72,
    rules: { supersedes: () => true },
  },
  {
    name: 'a decision is made before there is a quorum',
    seed: 1,
    rules: { isQuorum: (votes) => votes.size >= 1 },
  },
  {
    name: 'a quorum is half of the servers',
    seed: 1,
    rules: { isQuorum: (votes, before) => before.filter((id) => votes.has(id)).length >= Math.max(1, before.length >> 1) },
  },
  {
    name: 'votes of servers that are no members count',
    seed: 46,
    rules: { isQuorum: (votes, before) => votes.size >= majorityOf(before.length) },
  },
  {
    name: 'a change of members needs a quorum of the old ones alone',
    seed: 46,
    rules: { isQuorum: (votes, before, _, ack) => RULES.isQuorum(votes, before, before, ack) },
  },
  {
    name: 'a vote for an earlier attempt counts for this one',
    seed: 8,
    rules: { countsFor: (vote, entry) => vote.term === entry.term },
  },
  {
    name: 'a new leader serves before it has what was decided',
    seed: 125,
    rules: { holds: () => true },
  },
  {
    name: 'refs move when an entry is stored',
    seed: 1,
    rules: { isDecided: (entry, head) => entry.sequence >= head.sequence },
  },
  {
    name: 'a server that misses entries stores what comes next',
    seed: 1,
    rules: { continues: (entry, applied) => entry.sequence > applied.sequence },
  },
  {
    name: 'an entry that its leader has not settled is dropped with the ones before it',
    seed: 4,
    rules: { isAborted: (entry, term, head) => entry.sequence > head.sequence && entry.term <= term },
  },
  {
    name: 'an undecided entry is given to those that catch up',
    seed: 20,
    rules: { maySend: () => true },
  },
  {
    name: 'a decision that was not answered is taken for an abort',
    seed: 4,
    rules: { isInDoubt: () => false },
  },
  {
    name: 'a decision does not compare the lock, so that a paused leader goes on',
    seed: 4,
    log: { ignoresLock: true, ignoresRevision: true },
  },
  {
    name: 'of entries that are applied together only the first is',
    seed: 4,
    movesFirstAlone: true,
  },
  {
    name: 'a server forgets at its start what it has stored',
    seed: 69,
    forgetsStored: true,
  },
  {
    name: 'the client is answered when the votes are there, and not when it is decided',
    seed: 1,
    effects: (effects, replica) => {
      const { leading } = replica.state;
      const ballot = leading?.ballot;
      if (ballot?.phase !== 'deciding' || !effects.some(({ kind }) => kind === 'decide')) return effects;
      return [
        ...effects,
        { kind: 'answer', proposal: ballot.proposal.id, answer: { outcome: 'accepted', sequence: ballot.entry.sequence } },
      ];
    },
  },
  {
    name: 'the attempt under way is told to be settled',
    seed: 72,
    effects: (effects) =>
      effects.map((effect) =>
        effect.kind === 'send' && effect.message.kind === 'outcome'
          ? { ...effect, message: { ...effect.message, settled: effect.message.settled + 1 } }
          : effect,
      ),
  },
  {
    name: 'a repository that is led again under one lock counts its attempts anew',
    seed: 38,
    forgetsAttempts: true,
  },
];
