import type { RecordedHead } from '../../../../ports/stargate/decision-log.js';
import type { DecisionResult } from '../effects.js';
import type { Machine } from '../machine.js';
import { announce } from './announce.js';
import { settleClaimed } from '../follower/doubt.js';
import { dropAborted } from '../follower/participant.js';
import { learn, quarantine, stepDown } from '../terms.js';

/**
 * The lock is held: what is left is to hold what was decided, and to say so in the decision log. Under a lock that this server has led under
 * before, its attempts are counted on: the claim makes sure that none of those before is decided any more.
 */
export function onWon(m: Machine, term: number, attempts?: number): void {
  const { state } = m;
  if (term === state.term && (state.leading !== null || state.takeover !== null)) return;
  stepDown(m, `term ${term} has begun`);
  const isNew = term > state.term || (term === state.term && attempts !== undefined);
  if (!isNew || state.diverged !== null) {
    m.emit({ kind: 'release', why: state.diverged ?? `term ${state.term} was seen, and the lock gave ${term}` });
    return;
  }
  state.term = term;
  state.leader = null;
  state.takeover = { phase: 'read', since: state.tick, attempts: attempts ?? 0, recorded: null };
  state.reading = null; // a read that began before the lock was held proves nothing
  m.read();
}

/** The head as it is while this server holds the lock. */
export function onTakeoverHead(m: Machine, recorded: RecordedHead | null): void {
  const { state } = m;
  const { takeover } = state;
  if (takeover === null || takeover.phase !== 'read') return;
  if (recorded === null && !m.founder) {
    giveUp(m, 'the cluster has decided nothing yet, and this server is not its founder');
    return;
  }
  if (recorded !== null) {
    const { head } = recorded;
    if (!head.members.includes(m.self)) {
      giveUp(m, 'this server is no member');
      return;
    }
    if (state.applied.sequence > head.sequence) {
      quarantine(m, `this server has ${state.applied.sequence} entries, and ${head.sequence} were decided`);
      return;
    }
  }
  takeover.recorded = recorded;
  takeover.phase = 'level';
}

/** Goes on once the refs stand where the head does; gives up when that takes too long, so that another server may try. */
export function advanceTakeover(m: Machine): void {
  const { state, rules, timing } = m;
  const { takeover } = state;
  if (takeover === null) return;
  if (state.tick - takeover.since > timing.takeover && takeover.phase !== 'claim') {
    giveUp(m, 'what was decided could not be fetched from anybody', { cutOff: true });
    return;
  }
  if (takeover.phase !== 'level' || state.op !== null) return;
  const { recorded } = takeover;
  if (recorded !== null && !rules.holds(state.applied, recorded.head)) return;
  takeover.phase = 'claim';
  claim(m);
}

/** Puts the term into the head: from here on, no older term can decide, and everybody sees who leads. */
function claim(m: Machine): void {
  const { takeover, applied, term } = m.state;
  const head = takeover?.recorded?.head ?? applied;
  m.decide({ sequence: head.sequence, digest: head.digest, members: head.members, term }, takeover?.recorded?.revision ?? null);
}

/** Asks again for the head, or for a claim of which nothing was heard. */
export function repeatTakeover(m: Machine): void {
  const { takeover, deciding, tick } = m.state;
  if (takeover === null || tick % m.timing.resend !== 0) return;
  if (takeover.phase === 'read') m.read();
  if (takeover.phase === 'claim' && deciding === null) claim(m);
}

/** The claim has ended. */
export function onClaimed(m: Machine, result: DecisionResult): void {
  const { state } = m;
  const { takeover } = state;
  if (takeover === null) return;
  if (result.kind === 'fenced') {
    giveUp(m, 'the lock was lost before the term began');
    return;
  }
  if (result.kind === 'moved') {
    takeover.phase = 'read'; // maybe by an earlier try of this very claim
    m.read();
    return;
  }
  if (result.kind !== 'made') return; // nobody knows: it is asked again
  const { attempts } = takeover;
  const at = takeover.recorded?.head ?? state.applied;
  const head = { sequence: at.sequence, digest: at.digest, members: at.members, term: state.term };
  state.takeover = null;
  state.leader = m.self;
  learn(m, head);
  state.leading = {
    head,
    revision: result.revision,
    attempt: attempts,
    settled: attempts,
    ballot: null,
    queue: [],
    joining: new Map(),
    peers: new Map(),
    transfer: null,
    beat: state.tick,
  };
  settleClaimed(m, head);
  dropAborted(m, state.term, head, attempts);
  announce(m);
}

function giveUp(m: Machine, why: string, more: { readonly cutOff?: true } = {}): void {
  stepDown(m, why);
  m.emit({ kind: 'release', why, ...more });
}
