import { KvError } from '../../../ports/error.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { decodeCommit } from '../../git/commit.js';
import { mirrorRef, trackedNames } from '../../ledger/refs.js';
import type { VerifyContext } from './context.js';
import type { VerifiedEpoch } from './epoch/verify-epoch.js';

/** The watermark, where it is here, names a commit of the ledger. `epochs` are those that were verified, newest first. */
export async function checkWatermark(context: VerifyContext, epochs: readonly VerifiedEpoch[], full: boolean): Promise<void> {
  const { ns, store, findings, alone } = context;
  const ref = mirrorRef(ns);
  const names = trackedNames(ref);
  const refs = await store.refs(names);
  if (refs.size === 0 && full && !alone) findings.note('the watermark is not in this clone', 1, { id: 'fetch-watermark' });
  for (const [name, oid] of refs) {
    if (epochs.some(({ commits }) => commits.has(oid))) continue;
    const place = { ref: name, commit: oid };
    const [object] = await store.read([oid]);
    if (object?.type !== 'commit') {
      findings.fault(`${name} points to ${oid}, which is ${object ? 'no commit' : 'missing or damaged'}`, place);
      continue;
    }
    try {
      const trailers = parseLedgerMessage(decodeCommit(object.body, oid, store.objectFormat).message, oid);
      const own = epochs.find(({ label }) => label === trailers.epoch);
      if (trailers.ns !== ns) findings.fault(`${name} points to a ledger of namespace ${trailers.ns}`, place);
      else if (own === undefined) findings.note(`the watermark is in epoch ${trailers.epoch}, which was not verified`);
      else if (!(await store.isAncestor(own.ledger, oid)))
        findings.fault(`${name} points to ${oid}, which is not on the ledger that ends with ${own.ledger}`, place);
    } catch (error) {
      if (!KvError.is(error)) throw error;
      findings.fault(`${name} points to no ledger commit: ${error.message}`, place, error.code);
    }
  }
}
