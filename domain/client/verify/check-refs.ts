import { KvError } from '../../../ports/error.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { type LedgerTrailers, parseIndexMessage, parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { epochRef, indexRef, ledgerRef, trackingRef } from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';
import { foreignTipText } from '../clone/foreign-tip.js';
import { newestTip } from '../clone/tips.js';
import type { VerifyContext } from './context.js';
import type { VerifiedEpoch } from './epoch/verify-epoch.js';
import { Findings } from './findings.js';

/** The refs of one source, or of the clone itself. */
export interface Refs {
  readonly from: 'mirror' | 'stargate' | 'local';
  readonly ledgerName: RefName;
  readonly indexName: RefName;
  readonly epochName: RefName;
  readonly ledger: Oid | undefined;
  readonly index: Oid | undefined;
  readonly epoch: Oid | undefined;
}

/** The ledgers and indexes of a namespace that are here: as the mirror and the Stargate have them, and the clone's own. */
export async function readRefs(clone: Clone, ns: string): Promise<Refs[]> {
  const named = (['mirror', 'stargate', 'local'] as const).map((from) => {
    const [ledgerName, indexName, epochName] = [ledgerRef(ns), indexRef(ns), epochRef(ns)].map((ref) =>
      from === 'local' ? ref : trackingRef(from, ref),
    ) as [RefName, RefName, RefName];
    return { from, ledgerName, indexName, epochName };
  });
  const refs = await clone.store.refs(
    named.flatMap(({ ledgerName, indexName, epochName }) => [ledgerName, indexName, epochName]),
  );
  return named
    .map((one) => ({ ...one, ledger: refs.get(one.ledgerName), index: refs.get(one.indexName), epoch: refs.get(one.epochName) }))
    .filter(({ ledger, index }) => ledger !== undefined || index !== undefined);
}

/** A ledger ref and an index ref of one source were written together, and must show the same transaction. */
export async function checkPair(context: VerifyContext, place: Refs): Promise<void> {
  const { ledgerName, indexName, ledger, index } = place;
  const { findings, store, ns } = context;
  if (ledger === undefined || index === undefined) {
    const [there, not] = ledger === undefined ? [indexName, ledgerName] : [ledgerName, indexName];
    return findings.fault(`there is ${there}, but no ${not}`, { ref: not });
  }
  const trailers = await readTrailers(context, place, ledger);
  const [object] = await store.read([index]);
  try {
    if (object?.type !== 'commit')
      return findings.fault(`${indexName} points to ${index}, which is ${object ? 'no commit' : 'missing or damaged'}`, {
        ref: indexName,
        commit: index,
      });
    const { txn } = parseIndexMessage(decodeCommit(object.body, index, store.objectFormat).message, index);
    if (trailers !== null && trailers.txn !== txn)
      findings.fault(`${ledgerName} shows transaction ${trailers.txn}, but ${indexName} shows ${txn}`, {
        ref: indexName,
        commit: index,
      });
  } catch (error) {
    if (!KvError.is(error)) throw error;
    findings.fault(`${indexName} points to no index commit: ${error.message}`, { ref: indexName, commit: index }, error.code);
  }
  if (trailers !== null && trailers.ns !== ns)
    findings.fault(`${ledgerName} points to a ledger of namespace ${trailers.ns}`, { ref: ledgerName, commit: ledger });
}

async function readTrailers({ store, findings, ns }: VerifyContext, place: Refs, oid: Oid): Promise<LedgerTrailers | null> {
  const ref = place.ledgerName;
  const [object] = await store.read([oid]);
  if (object?.type !== 'commit') {
    findings.fault(`${ref} points to ${oid}, which is ${object ? 'no commit' : 'missing or damaged'}`, { ref, commit: oid });
    return null;
  }
  try {
    return parseLedgerMessage(decodeCommit(object.body, oid, store.objectFormat).message, oid);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    const why = error.message.replace(`commit ${oid}: `, '');
    findings.fault(foreignTipText({ from: place.from, ref: ledgerRef(ns), oid, why }), { ref, commit: oid }, error.code);
    return null;
  }
}

/** Where to begin: the newest ledger, and the refs that show it. */
interface Start {
  readonly label: string;
  readonly ledger: Oid;
  readonly index: Oid | null;
  readonly place: Refs;
}

/** The newest ledger that can be read at all. */
export async function startOf(clone: Clone, context: VerifyContext, places: readonly Refs[]): Promise<Start | null> {
  try {
    const tip = await newestTip(clone, context.ns);
    const place = places.find(({ ledger }) => ledger === tip?.ledger);
    if (tip !== null && place !== undefined)
      return { label: tip.trailers.epoch, ledger: tip.ledger, index: place.index ?? tip.index, place };
  } catch (error) {
    if (!KvError.is(error)) throw error; // a damaged tip, which checkPair has named: the others are tried one by one
  }
  for (const place of places) {
    if (place.ledger === undefined) continue;
    const quiet = { ...context, findings: new Findings() };
    const trailers = await readTrailers(quiet, place, place.ledger);
    if (trailers !== null) return { label: trailers.epoch, ledger: place.ledger, index: place.index ?? null, place };
  }
  return null;
}

/** Where the other refs stand: on the same chain, or in an epoch before. */
export async function checkPlaces(context: VerifyContext, places: readonly Refs[], current: VerifiedEpoch): Promise<void> {
  const { findings } = context;
  for (const place of places) {
    const { from, ledgerName, epochName, ledger, epoch } = place;
    if (ledger === undefined) continue;
    if (current.commits.has(ledger)) {
      if (epoch !== undefined && current.root !== null && epoch !== current.root)
        findings.fault(`${epochName} points to ${epoch}, but epoch ${current.label} begins with ${current.root}`, {
          ref: epochName,
          commit: epoch,
        });
      continue;
    }
    const trailers = await readTrailers({ ...context, findings: new Findings() }, place, ledger);
    if (trailers === null || trailers.epoch !== current.label) continue; // named already, or of an epoch before
    const what = `${ledgerName} points to ${ledger}, which is not on the ledger that ends with ${current.ledger}`;
    if (from === 'local') findings.note(`${what}: a ledger of this clone's own`);
    else findings.fault(what, { ref: ledgerName, commit: ledger });
  }
}
