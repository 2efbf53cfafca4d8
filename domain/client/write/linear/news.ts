import type { KnownTips, TurnReport } from '../../../admin/turn.js';
import { KvError } from '../../../../ports/error.js';
import { decodeBase64 } from '../../../../ports/grammar/base64.js';
import { commitParents } from '../../../../ports/grammar/git-words/object-links.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import { decodeCommit } from '../../../git/commit.js';
import { epochRef, POLICY_REF, trackedNames } from '../../../ledger/refs.js';
import { type Clone, namerOf, type WritingPorts } from '../../clone/clone.js';
import { openTip, type Tip } from '../../clone/tips.js';

/** What a turn has brought: the tip to build on, and ledger commits that are known to be behind it, this clone's among them. */
export interface News {
  readonly tip: Tip;
  readonly behind: ReadonlySet<Oid>;
}

/** What this clone can say that it has of a namespace, with all below: nothing where some of that may be elsewhere, or where it reads no packs. */
export function knownTips({ store }: Clone, { zlib }: Pick<WritingPorts, 'zlib'>, tip: Tip | null): KnownTips {
  const { partial, shallow } = store.capabilities;
  const reads = zlib !== undefined || store.takePack !== undefined;
  const whole = reads && partial !== true && shallow !== true && tip !== null && tip.index !== null;
  return whole ? { ledger: tip.ledger, index: tip.index } : { ledger: null, index: null };
}

/**
 * Takes in what came with a turn, as a fetch would: each object is named by its own hash, has the shape that git wants, and builds on what
 * came with it or is here; and the ledger goes on from what this clone has. No ref follows it: the push that is made on it moves them. Null
 * where only a fetch can do it.
 */
export async function takeNews(
  clone: Clone,
  ports: Pick<WritingPorts, 'zlib'>,
  report: TurnReport,
  have: KnownTips,
): Promise<News | null> {
  const { ledger, index, pack } = report;
  if (ledger === null || index === null || !pack || !(await knowsTheRest(clone, report))) return null;
  const bytes = decodeBase64(pack);
  if (bytes === undefined) return null;
  try {
    // What is here and reached by nothing may lack something.
    const lacks = [ledger, index].filter((oid) => oid !== have.ledger && oid !== have.index);
    if ((await clone.store.read(lacks)).some((object) => object !== null)) return null;
    await takePack(clone, ports, bytes);
    return await newsAt(clone, { ns: report.ns, ledger, index }, have);
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

/** Stores a pack's objects, held against what `git index-pack --strict` asks. Throws `GIT_ERROR`. */
async function takePack(clone: Clone, { zlib }: Pick<WritingPorts, 'zlib'>, pack: Uint8Array): Promise<void> {
  const { store } = clone;
  if (store.takePack !== undefined) return store.takePack(pack);
  if (zlib === undefined) throw new KvError('GIT_ERROR', 'nobody here reads packs');
  const { soundPack } = await import('../../../repo/serve/push/sound-pack.js'); // most writes have no use for it
  const parts = { namer: namerOf(clone), zlib: await zlib(), reader: store, likes: true };
  await store.write(await soundPack(pack, { ...parts, headers: (oids) => store.headers(oids) }));
}

/** Further back than so many commits, a store finds by itself what is behind what. */
const NEAR = 8;

/** The tip, where what was taken in leads to it and it goes on from this clone's. */
async function newsAt(
  clone: Clone,
  { ns, ledger, index }: { readonly ns: string; readonly ledger: Oid; readonly index: Oid },
  have: KnownTips,
): Promise<News | null> {
  const { store } = clone;
  const [top = null, indexTop = null] = await store.read([ledger, index]);
  if (top === null || indexTop?.type !== 'commit' || have.ledger === null) return null;
  const opened = openTip(clone, ns, ledger, top);
  if (typeof opened === 'string') return null;
  const { commit, trailers } = opened;
  if (decodeCommit(indexTop.body, index, store.objectFormat).tree !== trailers.indexTree) return null;
  const behind = new Set<Oid>([have.ledger]);
  let below: Oid | undefined = commit.parents[0];
  for (let step = 1; step < NEAR && below !== undefined && below !== have.ledger; step++) {
    behind.add(below);
    const [object] = await store.read([below]);
    below = object?.type === 'commit' ? commitParents(object)[0] : undefined;
  }
  if (below !== have.ledger && !(await store.isAncestor(have.ledger, ledger))) return null;
  return { tip: { ns, ledger, commit, trailers, index, from: 'stargate' }, behind };
}
