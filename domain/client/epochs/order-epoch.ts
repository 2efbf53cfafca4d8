import { KvError } from '../../../ports/error.js';
import { checkFreshLabel } from '../../ledger/epoch.js';
import { refsOfLabel } from '../../ledger/refs.js';
import { newUlid } from '../../ledger/ulid.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone, WritingPorts } from '../clone/clone.js';
import { knownPublished } from '../clone/policy/known-policy.js';
import { fetchNamespace } from '../remote/fetch-namespace.js';
import { orderInEpoch } from '../sequence/epoch-of-intent.js';
import { greetingOf, leaveSession, sessionOf } from '../sequence/sessions.js';
import { buildIntent } from '../write/sequenced/build-intent.js';
import { checkAdmin } from './admin-signs.js';
import type { Rollover } from './rollover.js';

/**
 * Begins a new epoch of a sequenced ledger: an admin's intent, which the Stargate carries out between two transactions, so that no write
 * can overtake it. Throws `CAS_CONFLICT` when the label is taken or another epoch began meanwhile, `NOT_FOUND` when there is no ledger,
 * `SIGNER_UNKNOWN` when the signer is no admin.
 */
export async function orderEpoch(clone: Clone, ports: WritingPorts, ns: string, label: string): Promise<Rollover> {
  await checkAdmin(clone, ports.signer);
  leaveSession(clone); // another greets with the epoch that is to end
  const taken = await clone.remotes.listRefs(clone.remoteName, 'write', refsOfLabel(ns, label));
  checkFreshLabel(ns, label, taken.size > 0);
  if ((await greetingOf(sessionOf(clone))) === null) await fetchNamespace(clone, ns, 'stargate'); // nobody else tells it
  const published = await knownPublished(clone);
  const txn = newUlid(clone.clock, ports.randomness);
  const now = Math.floor(clone.clock.now() / 1000) * 1000;
  const { ordered, intent } = await orderInEpoch(clone, ports, {
    ...{ ns, published, thisEpoch: true },
    build: async (epoch, repository) => {
      if (epoch === null) throw await absentNamespace(clone, ns);
      const trailers = { ns, txn, epoch, repository };
      const subject = `kv: ${ns}: begin epoch ${label}`;
      return buildIntent(clone, ports, [], { trailers, now, policy: null, subject, beginEpoch: label });
    },
  });
  const { commit, parent } = ordered;
  const { epoch: parentEpoch } = intent.trailers;
  if (commit === null || parent === null || parentEpoch === null) {
    throw new KvError('UNEXPECTED', `the Stargate has answered that epoch ${label} begins, and not after what`);
  }
  return { ns, epoch: label, parentEpoch, commit, parentLedger: parent, txn, landed: 'stargate' };
}
