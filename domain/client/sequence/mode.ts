import { KvError } from '../../../ports/error.js';
import type { LedgerMode } from '../../../ports/stargate/policy-reader.js';
import { POLICY_REF, trackingRequest } from '../../ledger/refs.js';
import { interrupted as callEnded } from '../clone/calls/cancellation.js';
import type { Clone } from '../clone/clone.js';
import { knownPublished } from '../clone/policy/known-policy.js';
import { unlessInterrupted } from '../../../ports/unless-interrupted.js';
import { leaveSession, sessionOf } from './sessions.js';

/** An admin may switch a namespace while it is written to; nobody switches it back and forth that often. */
const MOST_SWITCHES = 3;

/**
 * Does something in the way that a namespace's ledger is written: as the policy that this clone knows says, or, where it knows none, as
 * the Stargate does. When the Stargate, or a newer policy, says that it is the other way, it is done in that.
 */
export async function inItsMode<T>(clone: Clone, ns: string, ways: Readonly<Record<LedgerMode, () => Promise<T>>>): Promise<T> {
  let mode = await modeOf(clone, ns);
  for (let switches = 0; ; switches++) {
    try {
      return await ways[mode]();
    } catch (error) {
      const said = modeSaid(error, ns);
      if (said === null || said === mode || switches === MOST_SWITCHES) throw error;
      mode = said;
      const { policy } = await knownPublished(clone);
      if (policy?.namespaces.get(ns)?.ledgerMode !== said) await fetchPolicy(clone);
    }
  }
}

/** How a namespace's ledger is written, without reading it. A clone that knows no policy asks the Stargate, and learns the policy. */
export async function modeOf(clone: Clone, ns: string): Promise<LedgerMode> {
  const { policy } = await knownPublished(clone);
  if (policy !== null) return policy.namespaces.get(ns)?.ledgerMode ?? 'linear';
  const mode = await modeThere(clone, ns);
  if (mode === 'sequenced') await fetchPolicy(clone);
  else leaveSession(clone);
  return mode;
}

async function modeThere(clone: Clone, ns: string): Promise<LedgerMode> {
  const session = sessionOf(clone);
  if (session === null) return 'linear';
  try {
    const greeting = await unlessInterrupted(session.greeting, clone.ended, callEnded);
    return greeting.namespaces.find((one) => one.ns === ns)?.mode ?? 'linear';
  } catch (error) {
    if (!KvError.is(error) || error.code === 'INTERRUPTED') throw error;
    // Whatever else is in the way is in the way of a fetch, too, which has the words for it.
    if (error.code !== 'NOT_SUPPORTED') return 'linear';
    await fetchPolicy(clone);
    return (await knownPublished(clone)).policy?.namespaces.get(ns)?.ledgerMode ?? 'linear';
  }
}

/** Brings the policy that the Stargate has published, and nothing else: it costs the same however large a ledger is. */
export async function fetchPolicy(clone: Clone): Promise<void> {
  try {
    await clone.remotes.fetch(clone.remoteName, 'write', [trackingRequest('stargate', POLICY_REF)]);
  } catch (error) {
    if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error; // another command of this clone has brought it
  }
}

/** The error of a write in a way in which a namespace is not written. */
export function wrongMode(ns: string, mode: LedgerMode): KvError {
  return new KvError('POLICY_VIOLATION', `the ledger of namespace ${ns} is ${mode}`, {
    hint: 'write again: the policy has changed',
    details: { ns, ledger_mode: mode },
  });
}

/** How a ledger is written, as an error says it that refused a write in the other way; null for any other error. */
function modeSaid(error: unknown, ns: string): LedgerMode | null {
  if (!KvError.is(error) || error.details?.['ns'] !== ns) return null;
  const mode = error.details['ledger_mode'];
  return mode === 'linear' || mode === 'sequenced' ? mode : null;
}
