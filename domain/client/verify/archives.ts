import type { Oid } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { archiveMessage } from '../../ledger/epoch.js';
import { archiveRef, chunksRef, trackedNames } from '../../ledger/refs.js';
import { newestRef } from '../clone/chunks-tip.js';
import type { Clone } from '../clone/clone.js';
import type { VerifyContext } from './context.js';
import type { Findings } from './findings.js';
import { type VerifiedEpoch, verifyEpoch } from './epoch/verify-epoch.js';

/** The newest chunks of an epoch that are here; null: none are. */
export async function chunksOf(clone: Clone, { ns, findings }: VerifyContext, label: string): Promise<Oid | null> {
  const ref = chunksRef(ns, label);
  const names = trackedNames(ref);
  try {
    return (await newestRef(clone, names)) ?? null;
  } catch (error) {
    findings.thrown(error, { ref });
    return null;
  }
}

/** The epochs before, as far as their archives are here. */
export async function verifyArchives(clone: Clone, context: VerifyContext, current: VerifiedEpoch): Promise<VerifiedEpoch[]> {
  const { ns, findings, store } = context;
  const epochs: VerifiedEpoch[] = [];
  for (let below = current; below.parentEpoch !== null; ) {
    const label: string = below.parentEpoch;
    const ref = archiveRef(ns, label);
    const names = trackedNames(ref);
    const refs = await clone.store.refs(names);
    const name = names.find((each) => refs.has(each));
    if (name === undefined) {
      findings.note(`epoch ${label} and those before it are not in this clone`, 1, { id: 'fetch-epochs' });
      break;
    }
    const oid = refs.get(name) as Oid;
    const place = { ref: name, epoch: label, commit: oid };
    for (const each of names)
      if (refs.has(each) && refs.get(each) !== oid)
        findings.fault(`${each} points to another archive than ${name}`, { ...place, ref: each });
    const [object] = await store.read([oid]);
    if (object?.type !== 'commit') {
      findings.fault(`${name} points to ${oid}, which is ${object ? 'no commit' : 'missing or damaged'}`, place);
      break;
    }
    let parents: readonly Oid[] = [];
    try {
      const commit = decodeCommit(object.body, oid, store.objectFormat);
      ({ parents } = commit);
      if (commit.message !== archiveMessage(ns, label))
        findings.fault(`${name} points to ${oid}, which is no archive of epoch ${label}`, place);
    } catch (error) {
      findings.thrown(error, place);
    }
    const [ledger, index] = parents;
    if (ledger !== below.parentLedger)
      findings.fault(
        `${name} holds ledger ${ledger ?? '-'}, but epoch ${below.label} goes on from ${below.parentLedger ?? '-'}`,
        place,
      );
    if (ledger === undefined) break;
    const chunks = await chunksOf(clone, context, label);
    const earlier = await verifyEpoch(context, {
      label,
      ledger,
      index: index ?? null,
      chunks,
      ledgerName: name,
      indexName: name,
      full: true,
    });
    checkSameState(findings, below, earlier);
    epochs.push(earlier);
    below = earlier;
  }
  return epochs;
}

/** An epoch begins with the state that the one before ended with. */
function checkSameState(findings: Findings, later: VerifiedEpoch, earlier: VerifiedEpoch): void {
  const [first, last] = [later.ledgers[0]?.commit.tree, earlier.ledgers.at(-1)?.commit.tree];
  if (later.root === null || last === undefined || first === last) return;
  findings.fault(`epoch ${later.label} begins with another state than epoch ${earlier.label} ended with`, {
    ...{ epoch: later.label, commit: later.root },
  });
}
