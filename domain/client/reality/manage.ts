import { KvError } from '../../../ports/error.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { chunksRef, epochRef, indexRef, ledgerRef, trackedNames } from '../../ledger/refs.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { chunksTip, newestRef } from '../clone/chunks-tip.js';
import { type Clone, namerOf } from '../clone/clone.js';
import { type Freshness, tipForReading } from '../remote/tip-for-reading.js';
import { newestTip, noIndex } from '../clone/tips.js';
import { differingKeys, type KeyDifference, statesOf } from '../history/key-state.js';
import { openAll } from '../past/epoch-chain.js';
import { encodeStart, type RealityStart, readStart, requireReality } from './about.js';
import { inReality } from './inside.js';
import { aboutRef, checkRealityName, realitiesPrefix, realityPrefix, refInside } from './reality-refs.js';

/** A reality, and how far it has gone. */
export interface Reality extends RealityStart {
  /** How many keys differ from what it began with. */
  readonly changed: number;
  /** Whether the namespace has gone on since, as far as this clone knows. */
  readonly behind: boolean;
}

/**
 * Begins a reality on the newest state that is read. Costs a few refs, whatever the namespace holds. Throws `USAGE` for a name that can't
 * be, `CAS_CONFLICT` for one that is taken.
 */
export async function beginReality(clone: Clone, ns: string, name: string, freshness: Freshness): Promise<RealityStart> {
  checkRealityName(name);
  if ((await readStart(clone, ns, name)) !== null) throw taken(ns, name);
  const tip = await tipForReading(clone, ns, freshness);
  if (tip !== null && tip.index === null) throw noIndex(tip.ledger);
  const chunks = tip === null ? null : await chunksTip(clone, ns, tip.trailers.epoch);
  const start = {
    base: tip?.ledger ?? null,
    index: tip?.index ?? null,
    chunks: chunks?.commit ?? null,
    made: formatTime(clone.clock.now()),
  };
  const about = namerOf(clone).object('blob', encodeStart(start));
  await clone.store.write([about]);
  const place = refInside(ns, name);
  const updates: RefUpdate[] = [{ ref: aboutRef(ns, name), old: null, next: about.oid }];
  const begin = (ref: RefName, next: Oid | null): void => {
    const inside = place(ref);
    if (next !== null && typeof inside === 'string') updates.push({ ref: inside, old: null, next });
  };
  begin(ledgerRef(ns), start.base);
  begin(indexRef(ns), start.index);
  if (tip !== null) {
    begin(epochRef(ns), (await newestRef(clone, trackedNames(epochRef(ns)))) ?? null);
    begin(chunksRef(ns, tip.trailers.epoch), start.chunks);
  }
  try {
    await clone.store.updateRefs(updates, `kv: reality ${name}`);
  } catch (error) {
    if (KvError.is(error) && error.code === 'CAS_CONFLICT') throw taken(ns, name);
    throw error;
  }
  return { name, ns, ...start };
}

const taken = (ns: string, name: string): KvError =>
  new KvError('CAS_CONFLICT', `namespace ${ns} has a reality ${name} already`, { hint: 'drop it first, or take another name' });

/** The realities of a namespace, by name. Nothing is fetched. */
export async function listRealities(clone: Clone, ns: string): Promise<Reality[]> {
  const prefix = realitiesPrefix(ns);
  const refs = [...(await clone.store.refs([prefix])).keys()];
  const names = refs.filter((ref) => ref.endsWith('/about')).map((ref) => ref.slice(prefix.length, -'/about'.length));
  const newest = names.length === 0 ? null : await newestTip(clone, ns);
  const realities: Reality[] = [];
  for (const name of names.sort()) {
    const start = await requireReality(clone, ns, name);
    const changed = (await changedIn(clone, start)).length;
    realities.push({ ...start, changed, behind: (newest?.ledger ?? null) !== start.base });
  }
  return realities;
}

/** The keys that differ between what a reality began with and what it is now, in the order of their urlsafe forms. */
export async function changedIn(clone: Clone, { ns, name, base }: RealityStart, prefix = ''): Promise<KeyDifference[]> {
  const inside = await inReality(clone, ns, name);
  const tip = await newestTip(inside, ns);
  const [start] = await openAll(clone, base === null ? [] : [base]);
  return differingKeys(inside, ns, start?.commit.tree ?? null, tip?.commit.tree ?? null, prefix);
}

/** The keys that a reality changes, and that are otherwise now: before is what is true, after what the reality has. */
export async function differsFromNow(clone: Clone, start: RealityStart, freshness: Freshness): Promise<KeyDifference[]> {
  const { ns } = start;
  const tip = await tipForReading(clone, ns, freshness);
  const touched = await changedIn(clone, start);
  const keys = touched.map(({ key }) => key);
  const states = tip === null ? [] : await statesOf(clone, ns, tip.commit.tree, keys);
  return touched
    .map(({ key, after }, i) => ({ key, before: states[i] ?? null, after }))
    .filter(({ before, after }) => before?.value !== after?.value || before?.meta !== after?.meta);
}

/** Takes a reality away; its objects go with git's next clean-up. Throws `NOT_FOUND`. */
export async function dropReality(clone: Clone, ns: string, name: string): Promise<void> {
  await requireReality(clone, ns, name);
  const refs = await clone.store.refs([realityPrefix(ns, name)]);
  await clone.store.updateRefs(
    [...refs].map(([ref, old]) => ({ ref, old, next: null })),
    `kv: reality ${name} dropped`,
  );
}
