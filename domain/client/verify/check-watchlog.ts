import { KvError } from '../../../ports/error.js';
import type { PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { SigningKey } from '../../../ports/clone/signer.js';
import type { Oid, RefName, WatchEvent } from '../../../ports/vocabulary.js';
import type { LedgerTrailers } from '../../ledger/transaction/attestation.js';
import { trackedNames, watchlogRef } from '../../ledger/refs.js';
import { decodeEvent, encodeEvent } from '../../ledger/transaction/watchlog.js';
import type { Attested } from '../../verify/attestation/chain.js';
import type { VerifyContext } from './context.js';
import type { VerifiedEpoch } from './epoch/verify-epoch.js';
import type { FindingPlace } from './findings.js';
import { wholeChain } from './epoch/transactions.js';

/** Holds what is here of an epoch's watchlog against its ledger: the chain, each event, and their order. Fetches nothing. */
export async function checkWatchlog(context: VerifyContext, epoch: VerifiedEpoch, full: boolean): Promise<void> {
  const { ns, store, findings, alone } = context;
  const ref = watchlogRef(ns, epoch.label);
  const names = trackedNames(ref);
  const refs = await store.refs(names);
  const tips = new Map<Oid, RefName>();
  for (const name of names) {
    const tip = refs.get(name);
    if (tip !== undefined && !tips.has(tip)) tips.set(tip, name);
  }
  if (tips.size === 0 && full && !alone)
    findings.note(`the watchlog of epoch ${epoch.label} is not in this clone`, 1, { id: 'fetch-watchlog' });
  const ledgers = new Map(epoch.ledgers.map((link) => [link.oid, link]));
  const chains: { readonly name: RefName; readonly commits: ReadonlySet<Oid> }[] = [];
  for (const [tip, name] of tips) {
    const links = await wholeChain(context, name, tip, readEvent);
    checkLinks(context, name, epoch, links);
    checkOrder(context, name, epoch, links);
    for (const { oid, trailers: event } of links) {
      const ledger = event === null ? undefined : ledgers.get(event.oid);
      const place = { ref: name, epoch: epoch.label, commit: oid };
      if (event !== null && ledger !== undefined) checkEvent(context, place, event, ledger, epoch.signers.get(event.oid));
    }
    chains.push({ name, commits: new Set(links.map(({ oid }) => oid)) });
    const apart = chains.find(({ name: other, commits }) => {
      const theirs = refs.get(other) as Oid;
      return other !== name && !commits.has(tip) && !links.some(({ oid }) => oid === theirs);
    });
    if (apart !== undefined)
      findings.fault(`${name} and ${apart.name} go apart: one of them was rewritten`, {
        ref: name,
        epoch: epoch.label,
        commit: tip,
      });
  }
}

/** The message is exactly the event as the Stargate writes it. */
function readEvent(message: string, commit: Oid): WatchEvent {
  const event = decodeEvent(message, commit);
  if (message === `${encodeEvent(event)}\n`) return event;
  throw new KvError('FORMAT_UNSUPPORTED', `watchlog commit ${commit} holds an event that is not in its one form`, {
    hint: 'compare it with the watchlog at the Stargate',
  });
}

function checkLinks(
  { findings, namer, ns }: VerifyContext,
  ref: RefName,
  epoch: VerifiedEpoch,
  links: readonly Attested<WatchEvent>[],
): void {
  const empty = namer.emptyTree();
  for (const [i, { oid, commit, trailers: event }] of links.entries()) {
    const place = { ref, epoch: epoch.label, commit: oid };
    if (commit.tree !== empty) findings.fault(`watchlog commit ${oid} has tree ${commit.tree}, and not the empty one`, place);
    if (event === null) continue;
    if (event.ns !== ns || event.epoch !== epoch.label)
      findings.fault(`watchlog commit ${oid} is of ${event.ns}@${event.epoch}, and ${ref} of ${ns}@${epoch.label}`, place);
    const begins = i === 0 && commit.parents.length === 0;
    const wanted = begins ? epoch.parentEpoch : null;
    if (begins && epoch.root === null) continue; // how the epoch begins is not known here
    if (event.parentEpoch !== wanted)
      findings.fault(
        `watchlog commit ${oid} names ${event.parentEpoch ?? '-'} as the epoch before, expected ${wanted ?? '-'}`,
        place,
      );
  }
}

/** Its events name the ledger's commits in their order, each once, as far as both are here. */
function checkOrder(
  { findings }: VerifyContext,
  ref: RefName,
  epoch: VerifiedEpoch,
  links: readonly Attested<WatchEvent>[],
): void {
  const ledger = epoch.ledgers.map(({ oid }) => oid);
  const at = new Map(ledger.map((oid, i) => [oid, i]));
  const seen = new Set<Oid>();
  let next = epoch.root === null ? -1 : 0; // of a ledger that is cut off, whatever comes before what is here is not known
  let newer = 0;
  for (const { oid: commit, trailers: event } of links) {
    if (event === null) continue;
    const place: FindingPlace = { ref, epoch: epoch.label, commit };
    const i = at.get(event.oid);
    if (seen.has(event.oid)) findings.fault(`watchlog commit ${commit} names ledger commit ${event.oid} again`, place);
    else if (i === undefined && next === ledger.length) newer++;
    else if (i === undefined && next !== -1)
      findings.fault(`watchlog commit ${commit} names ${event.oid}, which is no commit of the ledger`, place);
    else if (i !== undefined && i < next)
      findings.fault(`watchlog commit ${commit} names ledger commit ${event.oid} out of order`, place);
    else if (i !== undefined) {
      const left = next === -1 ? [] : ledger.slice(next, i);
      for (const oid of left) findings.fault(`${ref} leaves out ledger commit ${oid}`, { ...place, commit: oid });
      next = i + 1;
    }
    seen.add(event.oid);
  }
  const missing = ledger.length - Math.max(next, 0);
  const { label } = epoch;
  if (newer > 0) {
    const one = `%d event of the watchlog of epoch ${label} is newer than the ledger here`;
    const many = `%d events of the watchlog of epoch ${label} are newer than the ledger here`;
    findings.note({ one, many }, newer);
  } else if (missing > 0) {
    const one = `%d transaction of epoch ${label} is not in the watchlog here, which was fetched before it`;
    const many = `%d transactions of epoch ${label} are not in the watchlog here, which was fetched before them`;
    findings.note({ one, many }, missing);
  }
}

function checkEvent(
  context: VerifyContext,
  place: FindingPlace,
  event: WatchEvent,
  ledger: Attested<LedgerTrailers>,
  key: SigningKey | undefined,
): void {
  const { findings } = context;
  const expect = (what: string, said: string | number, is: string | number): void => {
    if (said !== is)
      findings.fault(
        `watchlog commit ${place.commit} says ${what} ${said} of ledger commit ${event.oid}, which has ${is}`,
        place,
      );
  };
  const t = ledger.trailers;
  if (t !== null) {
    expect('transaction', event.txn, t.txn);
    expect('Keys-Set', event.set, t.keysSet);
    expect('Keys-Del', event.del, t.keysDel);
  }
  if ((event.signer === '-') !== (ledger.commit.signature === null))
    expect('signer', event.signer, ledger.commit.signature === null ? 'no signature' : 'a signature');
  else if (key !== undefined) checkSigner(context, event, key, (names) => expect('signer', event.signer, names));
}

/**
 * The policy's names for keys change, and the event has the name of its time. So only a name that the policy has for another
 * key, while it has another name for this one, is a fault.
 */
function checkSigner(
  { policy, ns, findings }: VerifyContext,
  event: WatchEvent,
  key: SigningKey,
  fault: (is: string) => void,
): void {
  if (policy === null || key.kind === 'openpgp') return; // a fingerprint says nothing of the block that a policy lists
  const listed: readonly PolicyKey[] = [...(policy.namespaces.get(ns)?.writers ?? []), ...policy.admins];
  const names = listed.filter(({ kind, material }) => kind === 'ssh' && material === key.id).map(({ name }) => name);
  if (names.includes(event.signer) || names.length === 0) return;
  if (listed.some(({ name }) => name === event.signer)) fault(`the signature of ${[...new Set(names)].join(' or ')}`);
  else {
    const whom = `${JSON.stringify(event.signer)} as the signer, a name that the policy has no more`;
    findings.note({ one: `%d event names ${whom}`, many: `%d events name ${whom}` });
  }
}
