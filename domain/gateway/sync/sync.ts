import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import { KvError } from '../../../ports/error.js';
import type { MirrorUpdate } from '../../../ports/stargate/mirror-target.js';
import type { RefName, RefUpdate } from '../../../ports/vocabulary.js';
import type { AheadNamespace, SyncArguments, SyncReport } from '../../admin/sync.js';
import { classifyRef, ledgerRef, mirrorRef, POLICY_REF } from '../../ledger/refs.js';
import { newUlid } from '../../ledger/ulid.js';
import type { RepositoryGateway } from '../gateway.js';
import { moveWatermarks } from '../mirror/ledgers/plan.js';
import type { Relation } from './continuation.js';
import { type Difference, differences, judge } from './differences.js';
import { isOrdinary, leftOver, plan, type Planned } from './plan-sync.js';
import {
  isPlainlyContained,
  namespacesOf,
  readSides,
  refsOf,
  type Sides,
  type SidesContext,
  withRelations,
} from './relations.js';

/** What bringing both sides together takes. */
export interface SyncContext extends SidesContext {
  readonly gateway: Pick<RepositoryGateway, 'moveOwn'>;
  /** Where tips of the mirror are kept that an admin gives up. */
  readonly bundles: Pick<BundleArchive, 'write' | 'place'>;
  /** Publishes the policy in force, on top of what the published one is by then. */
  readonly republish: () => Promise<void>;
  /** Looks at both sides again, and lets the mirror worker do so. */
  readonly recheck: () => Promise<void>;
}

/** A command line has room for so many refs. */
const SLICE = 500;

/**
 * Compares every ref of both sides (kv refs, branches, tags, policy), or of one namespace, and does what the mode says about those
 * that differ. What the mode does not settle is in `left`, with both tips. Whoever overwrites or deletes does so with a lease on what
 * was seen, and what is given up is kept in a bundle. Taking over is journalled like any movement of refs.
 * Throws `IO_ERROR` when the mirror can't be reached, `NOT_FOUND` for a namespace that neither side has, `CAS_CONFLICT` when a write
 * came between, `NOT_LEADER`.
 */
export async function syncSides(context: SyncContext, { ns, mode, dryRun }: SyncArguments): Promise<SyncReport> {
  const { store, target } = context;
  const sides = await readSides(context);
  if (ns !== undefined && !namespacesOf(sides).includes(ns)) {
    throw new KvError('NOT_FOUND', `neither the Stargate nor the mirror has a namespace ${ns}`, {
      hint: 'the status of the Stargate names its namespaces',
      advice: { id: 'see-namespaces' },
    });
  }
  const { same, differing } = differences(sides, ns);
  const open: string[] = [];
  for (const each of ns === undefined ? namespacesOf(sides) : [ns]) {
    if (!(await isPlainlyContained(context, each, sides))) open.push(each);
  }
  const more = differing.filter((one) => isToBeRead(one, mode)).map(({ ref }) => ref);
  const report = await withRelations(context, { sides, namespaces: open, more }, async (relations) => {
    const relationOf = (one: Difference): Relation | undefined => relations.get(one.ns ?? '');
    const judged = await Promise.all(differing.map((one) => judge(store, one, relationOf(one), sides)));
    let planned = judged.map((one) => plan(one, mode, relationOf(one)));
    let bundle: string | null = null;
    const refusals: string[] = [];
    if (mode !== 'audit' && !dryRun) {
      bundle = await keep(context, planned);
      await adopt(context, planned, relations);
      planned = await push(context, planned, sides, refusals);
    }
    return {
      ...{ mirror: target.label, mode, dry_run: dryRun, same, bundle },
      refs: planned.map(({ ref, here, there, state, action }) => ({ ref, here, there, state, action })),
      namespaces: [...relations].flatMap(([each, relation]) => describe(each, relation)),
      left: [...leftOver(planned, relations), ...refusals],
    };
  });
  if (!dryRun && report.refs.some(({ action }) => action !== 'none')) await context.recheck(); // once the stage is free
  return report;
}

/** Whether the mirror's object of a ref is needed to judge it, to take it over, or to keep it. */
function isToBeRead({ ref, here, there }: Difference, mode: SyncArguments['mode']): boolean {
  if (there === null || classifyRef(ref).kind === 'other') return false;
  return here !== null || mode === 'adopt' || mode === 'hard';
}

function describe(ns: string, relation: Relation): AheadNamespace[] {
  if (relation.kind === 'contained') return [];
  const { here, there } = relation;
  if (relation.kind === 'apart') {
    const why = here === null ? 'only the mirror has it, and not whole' : 'neither side leads to the other';
    return [{ ns, here, there, transactions: null, fault: relation.fault?.message ?? why }];
  }
  const transactions = relation.continuation?.events.length ?? null;
  return [{ ns, here, there, transactions, fault: relation.held?.message ?? null }];
}

/** Writes what the mirror is about to lose into a bundle; gives its place, or null when it loses nothing. */
async function keep(
  { bundles, stage, store, clock, randomness }: SyncContext,
  planned: readonly Planned[],
): Promise<string | null> {
  const lost = planned.filter(({ action }) => action === 'overwrite' || action === 'delete');
  const refs = new Map(lost.flatMap(({ ref, there }) => (there === null ? [] : [[stage.nameOf(ref), there] as const])));
  if (refs.size === 0) return null;
  const name = `overwritten-${newUlid(clock, randomness)}`;
  await bundles.write(name, store.objectFormat, refs);
  return bundles.place(name);
}

async function adopt(
  { gateway, republish }: SyncContext,
  planned: readonly Planned[],
  relations: ReadonlyMap<string, Relation>,
): Promise<void> {
  const taken = planned.filter(({ action }) => action === 'adopt');
  for (const [ns, relation] of relations) {
    if (relation.kind !== 'ahead' || !taken.some((one) => one.ns === ns)) continue;
    const updates = relation.continuation?.updates ?? [];
    await gateway.moveOwn(async () => updates);
  }
  const move = ({ ref, here, there }: Planned): RefUpdate => ({ ref, old: here, next: there });
  const others = taken.filter(isOrdinary).map(move);
  if (others.length > 0) await gateway.moveOwn(async () => others);
  const policy = taken.filter(({ ref }) => ref === POLICY_REF).map(move);
  if (policy.length === 0) return;
  await gateway.moveOwn(async () => policy);
  await republish();
}

/** Pushes what is to be pushed, each namespace whole or not at all; a refusal is told, and leaves the others alone. */
async function push(context: SyncContext, planned: readonly Planned[], sides: Sides, refusals: string[]): Promise<Planned[]> {
  const { target, store } = context;
  const done = new Map<RefName, Planned>();
  const groups = new Map<string, Planned[]>();
  for (const one of planned) {
    if (!['push', 'overwrite', 'delete'].includes(one.action)) continue;
    const group = one.ns ?? one.ref;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  for (const [group, own] of groups) {
    const updates = own.map(updateOf);
    try {
      for (let at = 0; at < updates.length; at += SLICE) await target.push(updates.slice(at, at + SLICE));
    } catch (error) {
      if (!KvError.is(error) || error.code === 'IO_ERROR' || error.code === 'INTERRUPTED') throw error;
      refusals.push(error.message);
      for (const one of own) done.set(one.ref, { ...one, action: 'none' });
      continue;
    }
    const next = refsOf(group, sides.here).get(ledgerRef(group));
    const [ref, old] = [mirrorRef(group), sides.here.get(mirrorRef(group)) ?? null];
    if (next !== undefined && old !== next && own.some((one) => one.ref === ref))
      await moveWatermarks(store, [{ ref, old, next }]);
  }
  return planned.map((one) => done.get(one.ref) ?? one);
}

/** A fast-forward where the commits say that it is one; else a lease on what was seen. */
function updateOf({ ref, here, there, state, plain }: Planned): MirrorUpdate {
  if (state === 'older' && plain) return { ref, next: here };
  return { ref, next: here, expected: there };
}
