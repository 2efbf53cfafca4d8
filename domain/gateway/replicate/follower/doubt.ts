import type { Head } from '../../../../ports/stargate/decision-log.js';
import type { Entry } from '../entry.js';
import type { Machine } from '../machine.js';

/** Tells the proposers of what a former term of this server was deciding: this entry is at its place in the history. */
export function settleApplied(m: Machine, applied: Entry): void {
  settle(m, ({ entry }) => {
    if (entry.sequence !== applied.sequence) return null;
    if (entry.id === applied.id) return { outcome: 'accepted', sequence: applied.sequence };
    return { outcome: 'refused', because: 'not-leader', detail: 'another leader has decided otherwise' };
  });
}

/** A claim of this term stands behind what this server was deciding in it: what the head doesn't show will never be decided. */
export function settleClaimed(m: Machine, head: Head): void {
  settle(m, ({ entry }) => {
    if (entry.term !== m.state.term || entry.sequence <= head.sequence) return null;
    return { outcome: 'refused', because: 'not-leader', detail: 'this server has begun anew without it' };
  });
}

/**
 * What a head tells of proposals in doubt: a later term has begun without them, so nobody will ever decide them; or the history has gone
 * over their place where this server didn't see it.
 */
export function advanceDoubt(m: Machine): void {
  const { known, applied, doubtful, prepared } = m.state;
  if (doubtful.length > 0)
    settle(m, ({ entry }) => {
      if (entry.sequence <= applied.sequence) return { outcome: 'unknown' };
      if (known === null || known.term <= entry.term || known.sequence >= entry.sequence) return null;
      return { outcome: 'refused', because: 'not-leader', detail: 'another leader has begun without it' };
    });
  if (prepared === null || known === null) return;
  // The head itself tells that a later term has begun, though no word of its leader has come through.
  if (m.state.op === null && known.term > prepared.term && m.rules.isAborted(prepared, known.term, known, 0)) {
    m.state.prepared = null;
    m.emit({ kind: 'drop', entry: prepared });
  }
}

/** A server that holds an entry and hears nothing of it asks the decision log, and so does one that waits to tell a proposer. */
export function askInDoubt(m: Machine): void {
  const { state, timing } = m;
  if (state.leading !== null || state.takeover !== null) return;
  if (state.prepared === null && state.doubtful.length === 0) return;
  if (state.tick - state.heard < timing.doubt || state.tick % timing.doubt !== 0) return;
  m.read();
}

type Doubtful = Machine['state']['doubtful'][number];

function settle(m: Machine, judge: (doubtful: Doubtful) => Parameters<Machine['answer']>[1] | null): void {
  m.state.doubtful = m.state.doubtful.filter((doubtful) => {
    const answer = judge(doubtful);
    if (answer !== null) m.answer(doubtful.proposal, answer);
    return answer === null;
  });
}
