import type { KnownTips, TurnReport } from '../../../admin/turn.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import { KvError } from '../../../../ports/error.js';
import { decodeBase64 } from '../../../../ports/grammar/base64.js';
import type { ObjectHeader, Oid, RefName } from '../../../../ports/vocabulary.js';
import { decodeCommit } from '../../../git/commit.js';
import { epochRef, POLICY_REF, trackedNames } from '../../../ledger/refs.js';
import { type Clone, namerOf, type WritingPorts } from '../../clone/clone.js';
import { openTip, type Tip } from '../../clone/tips.js';

/** What a turn has brought: the tip to build on, and the ledger commits behind it that are known to be there, those of this clone among them. */
export interface News {
  readonly tip: Tip;
  readonly behind: ReadonlySet<Oid>;
}

/** What this clone can say that it has of a namespace, with all below: nothing where some of that may be elsewhere, or where it reads no packs. */
export function knownTips({ store }: Clone, { zlib }: Pick<WritingPorts, 'zlib'>, tip: Tip | null): KnownTips {
  const { partial, shallow } = store.capabilities;
  const whole = zlib !== undefined && partial !== true && shallow !== true && tip !== null && tip.index !== null;
  return whole ? { ledger: tip.ledger, index: tip.index } : { ledger: null, index: null };
}

/**
 * Takes in what came with a turn, as a fetch would: each object is named by its own hash, has the shape that git wants, and builds on what
 * came with it or is here; and the ledger goes on from what this clone has. No ref follows it: the push that is made on it moves them. Null
 * where only a fetch can do it.
 */
export async function takeNews(
  clone: Clone,
  { zlib }: Pick<WritingPorts, 'zlib'>,
  report: TurnReport,
  have: KnownTips,
): Promise<News | null> {
  const bytes = typeof report.pack === 'string' ? decodeBase64(report.pack) : undefined;
  if (zlib === undefined || bytes === undefined || !(await knowsTheRest(clone, report))) return null;
  try {
    const objects = new Map((await soundObjects(clone, await zlib(), bytes, have)).map((object) => [object.oid, object]));
    const news = readNews(clone, objects, report, have);
    if (news !== null) await clone.store.write(objects.values());
    return news;
  } catch (error) {
    if (KvError.is(error) && error.code === 'GIT_ERROR') return null; // damaged: a fetch finds what is so
    throw error;
  }
}

/** Whether the namespace's epoch and the published policy are those that this clone knows: a turn brings neither. */
async function knowsTheRest({ store }: Clone, { ns, epoch, policy }: TurnReport): Promise<boolean> {
  const [epochs, policies] = [trackedNames(epochRef(ns)), trackedNames(POLICY_REF)];
  const refs = await store.refs([...epochs, ...policies]);
  const isKnown = (names: readonly RefName[], oid: Oid | null | undefined): boolean =>
    names.some((name) => (refs.get(name) ?? null) === oid);
  return isKnown(epochs, epoch) && isKnown(policies, policy);
}

/** Loaded by who has lost a race: most writes have no use for it. */
async function soundObjects(
  clone: Clone,
  zlib: Awaited<ReturnType<NonNullable<WritingPorts['zlib']>>>,
  pack: Uint8Array,
  have: KnownTips,
): Promise<readonly NewObject[]> {
  const { soundPack } = await import('../../../repo/serve/sound-pack.js');
  const { store } = clone;
  // Of most packs nothing is asked but whether these are here, which they are.
  const headers = async (oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> => {
    const isOurs = (oid: Oid): boolean => oid === have.ledger || oid === have.index;
    const others = oids.filter((oid) => !isOurs(oid));
    const found = others.length === 0 ? [] : await store.headers(others);
    let next = 0;
    return oids.map((oid) => (isOurs(oid) ? { oid, type: 'commit', size: 0 } : (found[next++] ?? null)));
  };
  return soundPack(pack, { namer: namerOf(clone), zlib, reader: store, headers });
}

/** The tip that the objects lead to, where that goes on from this clone's. */
function readNews(
  clone: Clone,
  objects: ReadonlyMap<Oid, NewObject>,
  { ns, ledger, index }: TurnReport,
  have: KnownTips,
): News | null {
  const [top, indexTop] = [ledger, index].map((oid) => (oid === null ? undefined : objects.get(oid)));
  if (top === undefined || indexTop?.type !== 'commit') return null;
  const opened = openTip(clone, ns, top.oid, top);
  if (typeof opened === 'string') return null;
  const { objectFormat: format } = clone.store;
  if (decodeCommit(indexTop.body, indexTop.oid, format).tree !== opened.trailers.indexTree) return null;
  const behind = new Set<Oid>();
  for (let oid: Oid | undefined = top.oid; oid !== undefined; ) {
    behind.add(oid);
    if (oid === have.ledger) {
      const { commit, trailers } = opened;
      return { tip: { ns, ledger: top.oid, commit, trailers, index: indexTop.oid, from: 'stargate' }, behind };
    }
    const object = objects.get(oid);
    oid = object?.type === 'commit' ? decodeCommit(object.body, oid, format).parents[0] : undefined;
  }
  return null;
}
