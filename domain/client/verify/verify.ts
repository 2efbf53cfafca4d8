import { KvError } from '../../../ports/error.js';
import type { Policy } from '../../../ports/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/signer.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { type LedgerTrailers, parseIndexMessage, parseLedgerMessage } from '../../ledger/attestation.js';
import { decodeCommit } from '../../git/commit.js';
import { archiveMessage } from '../../ledger/epoch.js';
import { archiveRef, chunksRef, epochRef, indexRef, ledgerRef, trackingRef } from '../../ledger/refs.js';
import { newestRef } from '../clone/chunks-tip.js';
import { type Clone, namerOf, oidBytesOf } from '../clone/clone.js';
import { knownPolicy } from '../clone/known-policy.js';
import { newestTip, noNamespace } from '../clone/tips.js';
import type { VerifyContext } from './context.js';
import { type VerifiedEpoch, verifyEpoch } from './epoch.js';
import { type Fault, Findings, type Note } from './findings.js';
import { soundStore } from './sound-store.js';
import { checkWatchlog } from './watchlog.js';
import { checkWatermark } from './watermark.js';

export interface VerifyRequest {
  readonly ns: string;
  /** Every epoch that is here, every transaction, every value and chunk. */
  readonly full: boolean;
  readonly onProgress?: (what: string) => void;
}

export interface VerifyReport {
  readonly ns: string;
  readonly full: boolean;
  /** Newest first. */
  readonly epochs: readonly VerifiedEpoch[];
  readonly faults: readonly Fault[];
  readonly notes: readonly Note[];
}

/** The refs of one source, or of the clone itself. */
interface Refs {
  readonly from: 'mirror' | 'stargate' | 'local';
  readonly ledgerName: RefName;
  readonly indexName: RefName;
  readonly epochName: RefName;
  readonly ledger: Oid | undefined;
  readonly index: Oid | undefined;
  readonly epoch: Oid | undefined;
}

/**
 * Verifies what this clone has of a namespace, and fetches nothing: refs, attestation, signatures, and ledger, index, chunks, watchlog
 * and watermark against each other. Gives every fault that was found. Throws `NOT_FOUND` when there is nothing to verify.
 */
export async function verifyClone(clone: Clone, verifier: SignatureVerifier, request: VerifyRequest): Promise<VerifyReport> {
  const { ns, full } = request;
  const places = await readRefs(clone, ns);
  if (places.length === 0) throw noNamespace(ns);
  const findings = new Findings();
  const context = await contextOf(clone, verifier, request, findings);
  for (const place of places) await checkPair(context, place);
  const start = await startOf(clone, context, places);
  const epochs: VerifiedEpoch[] = [];
  if (start !== null) {
    const { label, ledger, index, place } = start;
    const names = { ledgerName: place.ledgerName, indexName: place.indexName };
    const current = await verifyEpoch(context, {
      label,
      ledger,
      index,
      chunks: await chunksOf(clone, context, label),
      ...names,
      full,
    });
    epochs.push(current);
    await checkPlaces(context, places, current);
    if (full) epochs.push(...(await verifyArchives(clone, context, current)));
    else if (current.parentEpoch !== null) findings.note('earlier epochs were not verified', 1, { id: 'verify-epochs' });
    for (const epoch of epochs) await checkWatchlog(context, epoch, full);
    await checkWatermark(context, epochs, full);
  }
  return { ns, full, epochs, faults: findings.faults, notes: findings.notes };
}

async function contextOf(
  clone: Clone,
  verifier: SignatureVerifier,
  { ns, onProgress }: VerifyRequest,
  findings: Findings,
): Promise<VerifyContext> {
  const namer = namerOf(clone);
  const partial = clone.store.capabilities.partial === true;
  if (partial)
    findings.note(
      'this clone was made with a filter: values, metadata, pointers and manifests were not read; verify in a complete clone',
    );
  let policy: Policy | null = null;
  try {
    policy = await knownPolicy(clone);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    findings.note(`the published policy can't be read here: ${error.message}`);
  }
  return {
    store: soundStore(clone.store, namer, findings),
    namer,
    hasher: clone.hasher,
    oidBytes: oidBytesOf(clone),
    verifier,
    policy,
    alone: (await clone.transport.url(clone.remote, 'read')) === null,
    blobs: !partial,
    ns,
    findings,
    onProgress: onProgress ?? (() => undefined),
  };
}

async function readRefs(clone: Clone, ns: string): Promise<Refs[]> {
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
async function checkPair(context: VerifyContext, { ledgerName, indexName, ledger, index }: Refs): Promise<void> {
  const { findings, store, ns } = context;
  if (ledger === undefined || index === undefined) {
    const [there, not] = ledger === undefined ? [indexName, ledgerName] : [ledgerName, indexName];
    return findings.fault(`there is ${there}, but no ${not}`, { ref: not });
  }
  const trailers = await readTrailers(context, ledgerName, ledger);
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

async function readTrailers({ store, findings }: VerifyContext, ref: RefName, oid: Oid): Promise<LedgerTrailers | null> {
  const [object] = await store.read([oid]);
  if (object?.type !== 'commit') {
    findings.fault(`${ref} points to ${oid}, which is ${object ? 'no commit' : 'missing or damaged'}`, { ref, commit: oid });
    return null;
  }
  try {
    return parseLedgerMessage(decodeCommit(object.body, oid, store.objectFormat).message, oid);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    findings.fault(`${ref} points to no ledger commit: ${error.message}`, { ref, commit: oid }, error.code);
    return null;
  }
}

interface Start {
  readonly label: string;
  readonly ledger: Oid;
  readonly index: Oid | null;
  readonly place: Refs;
}

/** The newest ledger that can be read at all. */
async function startOf(clone: Clone, context: VerifyContext, places: readonly Refs[]): Promise<Start | null> {
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
    const trailers = await readTrailers(quiet, place.ledgerName, place.ledger);
    if (trailers !== null) return { label: trailers.epoch, ledger: place.ledger, index: place.index ?? null, place };
  }
  return null;
}

async function chunksOf(clone: Clone, { ns, findings }: VerifyContext, label: string): Promise<Oid | null> {
  const ref = chunksRef(ns, label);
  const names = [trackingRef('stargate', ref), trackingRef('mirror', ref), ref];
  try {
    return (await newestRef(clone, names)) ?? null;
  } catch (error) {
    findings.thrown(error, { ref });
    return null;
  }
}

/** Where the other refs stand: on the same chain, or in an epoch before. */
async function checkPlaces(context: VerifyContext, places: readonly Refs[], current: VerifiedEpoch): Promise<void> {
  const { findings } = context;
  for (const { from, ledgerName, epochName, ledger, epoch } of places) {
    if (ledger === undefined) continue;
    if (current.commits.has(ledger)) {
      if (epoch !== undefined && current.root !== null && epoch !== current.root)
        findings.fault(`${epochName} points to ${epoch}, but epoch ${current.label} begins with ${current.root}`, {
          ref: epochName,
          commit: epoch,
        });
      continue;
    }
    const trailers = await readTrailers({ ...context, findings: new Findings() }, ledgerName, ledger);
    if (trailers === null || trailers.epoch !== current.label) continue; // named already, or of an epoch before
    const what = `${ledgerName} points to ${ledger}, which is not on the ledger that ends with ${current.ledger}`;
    if (from === 'local') findings.note(`${what}: a ledger of this clone's own`);
    else findings.fault(what, { ref: ledgerName, commit: ledger });
  }
}

/** The epochs before, as far as their archives are here. */
async function verifyArchives(clone: Clone, context: VerifyContext, current: VerifiedEpoch): Promise<VerifiedEpoch[]> {
  const { ns, findings, store } = context;
  const epochs: VerifiedEpoch[] = [];
  for (let below = current; below.parentEpoch !== null; ) {
    const label: string = below.parentEpoch;
    const ref = archiveRef(ns, label);
    const names = [trackingRef('stargate', ref), trackingRef('mirror', ref), ref];
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
    below = await verifyEpoch(context, {
      label,
      ledger,
      index: index ?? null,
      chunks,
      ledgerName: name,
      indexName: name,
      full: true,
    });
    epochs.push(below);
  }
  return epochs;
}
