import type { Entry, ServerId } from '../entry.js';
import { movesOf, standingAfter } from '../entry.js';
import { countRefusal, countVote } from '../ballot.js';
import { type Machine, MOST_AT_ONCE } from '../machine.js';
import type { Outcome, Prepare, RefusalReason } from '../messages.js';
import { learn, quarantine, seeTerm } from '../terms.js';
import { settleApplied } from './doubt.js';

/** Takes a prepare in. It is judged once the disk is free and this server has what comes before. */
export function onPrepare(m: Machine, from: ServerId, { entry, head }: Prepare): void {
  const { state, rules } = m;
  learn(m, head);
  if (rules.isOldTerm(entry.term, state.term)) {
    refuse(m, from, entry, 'older-term');
    return;
  }
  if (from !== m.self) seeTerm(m, entry.term, from);
  if (state.diverged !== null) {
    refuse(m, from, entry, 'diverged');
    return;
  }
  const { waiting } = state;
  if (waiting === null || rules.supersedes(entry, waiting.entry)) state.waiting = { entry, from, told: false };
  else if (waiting.entry.attempt === entry.attempt) waiting.told = false;
}

/** Takes in what the leader has decided and settled, and says where this server stands. */
export function onOutcome(m: Machine, from: ServerId, { term, head, settled }: Outcome): void {
  const { state, rules } = m;
  learn(m, head);
  if (rules.isOldTerm(term, state.term)) {
    report(m, from);
    return;
  }
  seeTerm(m, term, from);
  dropAborted(m, term, head, settled);
  if (state.waiting !== null && rules.isAborted(state.waiting.entry, term, head, settled)) state.waiting = null;
  report(m, from);
}

function report(m: Machine, to: ServerId): void {
  const { term, applied, diverged } = m.state;
  m.send(to, { kind: 'report', term, at: applied, diverged });
}

/** Forgets the stored entry where it is settled that it was not decided. */
export function dropAborted(m: Machine, term: number, head: Outcome['head'], settled: number): void {
  const { state, rules } = m;
  const { prepared } = state;
  if (prepared === null || state.op?.kind === 'apply' || !rules.isAborted(prepared, term, head, settled)) return;
  state.prepared = null;
  m.emit({ kind: 'drop', entry: prepared });
}

/** Gives the disk its next piece of work: decided entries first, then what is to be voted for. */
export function advanceParticipant(m: Machine): void {
  const { state, rules } = m;
  const { known, applied } = state;
  if (state.prepared !== null && state.prepared.sequence <= applied.sequence) state.prepared = null;
  if (state.op !== null || state.diverged !== null || state.failed === state.tick) return;
  if (known !== null && known.sequence === applied.sequence && known.digest !== applied.digest) {
    quarantine(m, `entry ${applied.sequence} of this server has the digest ${applied.digest}, and ${known.digest} was decided`);
    return;
  }
  const { prepared } = state;
  if (prepared !== null && known !== null && rules.isDecided(prepared, known)) {
    apply(m, [prepared], null);
    return;
  }
  const run = state.tail.slice(0, state.stride);
  const [next] = run;
  if (next !== undefined) {
    state.tail = state.tail.slice(run.length);
    const source = state.fetch?.from ?? state.leader;
    if (state.tail.length === 0) state.fetch = null;
    if (next.sequence === applied.sequence + 1 && next.before === applied.digest) {
      apply(m, run, run.length === 1 && prepared?.after === next.after ? null : source);
      return;
    }
    state.tail = [];
  }
  if (state.waiting !== null) judge(m, state.waiting);
}

/** Many go in one step: what a step costs is the disk's syncs, as many for one entry as for a thousand. */
function apply(m: Machine, entries: readonly Entry[], from: ServerId | null): void {
  m.state.op = { kind: 'apply', entries };
  m.emit({ kind: 'apply', entries, from });
}

/** Whether this server knows of something decided that its refs don't show. */
export const isBehind = ({ state }: Machine): boolean => state.known !== null && state.known.sequence > state.applied.sequence;

function judge(m: Machine, waiting: NonNullable<Machine['state']['waiting']>): void {
  const { state, rules } = m;
  const { applied, prepared } = state;
  const { entry, from } = waiting;
  const refused = (reason: RefusalReason): void => {
    state.waiting = null;
    refuse(m, from, entry, reason);
  };
  if (entry.sequence <= applied.sequence || rules.isOldTerm(entry.term, state.term)) {
    refused('stale');
    return;
  }
  if (!rules.continues(entry, applied)) {
    if (entry.sequence === applied.sequence + 1 && !isBehind(m)) {
      refused('diverged');
      return;
    }
    if (!waiting.told) refuse(m, from, entry, 'behind');
    waiting.told = true; // it stays: once this server is level, it votes
    return;
  }
  const digest = m.digestAfter(applied.digest, movesOf(entry.updates, applied.members, entry.members));
  if (digest !== entry.after && entry.before === applied.digest) {
    refused('digest');
    return;
  }
  if (prepared !== null && prepared.term === entry.term && prepared.attempt === entry.attempt) {
    state.waiting = null;
    vote(m, from, prepared);
    return;
  }
  if (prepared !== null && !rules.supersedes(entry, prepared)) {
    refused('stale');
    return;
  }
  state.waiting = null;
  state.op = { kind: 'store', entry, from };
  m.emit({ kind: 'store', entry });
}

/** The disk has done what it was asked for, or has failed. */
export function onEnded(m: Machine, ok: boolean): void {
  const { state } = m;
  const { op } = state;
  if (op === null) return;
  state.op = null;
  if (!ok) {
    state.failed = state.tick;
    if (op.kind === 'apply') state.stride = Math.max(1, op.entries.length >> 1);
    state.tail = [];
    state.fetch = null;
    if (op.kind === 'store') refuse(m, op.from, op.entry, 'storage');
    return;
  }
  if (op.kind === 'store') {
    state.prepared = op.entry;
    vote(m, op.from, op.entry);
    return;
  }
  state.askedOf.clear();
  if (op.kind === 'install') {
    state.applied = op.standing;
    return;
  }
  state.stride = Math.min(MOST_AT_ONCE, 2 * state.stride);
  for (const entry of op.entries) {
    state.applied = standingAfter(entry);
    settleApplied(m, entry);
  }
}

function vote(m: Machine, to: ServerId, { term, attempt, sequence, after }: Entry): void {
  const message = { kind: 'vote', term, attempt, sequence, digest: after } as const;
  if (to === m.self) countVote(m, m.self, message);
  else m.send(to, message);
}

function refuse(m: Machine, to: ServerId, entry: Entry, reason: RefusalReason): void {
  const message = { kind: 'refuse', reason, term: m.state.term, attempt: entry.attempt, at: m.state.applied } as const;
  if (to === m.self) countRefusal(m, m.self, message);
  else m.send(to, message);
}
