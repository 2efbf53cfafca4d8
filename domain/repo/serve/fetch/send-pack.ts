import type { Oid } from '../../../../ports/vocabulary.js';
import { FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';
import { writePack } from '../../../git/pack/write-pack.js';
import type { FetchRequest } from '../../../git/wire/fetch-request.js';
import type { SideBand } from '../../../git/wire/side-band.js';
import type { ObjectSource } from '../../objects/source.js';
import type { Gathering, KeptPack, WholeClone } from '../kept-packs.js';
import { listingOf, type ServeParts } from '../parts.js';
import { type PlannedItem, planPack } from './plan-pack.js';
import { selectCommits } from './select-commits.js';
import type { Boundary } from './shallow.js';
import { wordsFor } from '../words.js';

/** Commits of the receiver whose files are looked at. */
const MOST_THEIRS = 16;

/** What a client has and wants, held against what is here. */
export interface Known {
  readonly source: ObjectSource;
  /** Of what it has, the commits that are here. */
  readonly common: readonly Oid[];
  /** The commits that it wants. */
  readonly commits: readonly Oid[];
  /** Other objects that it wants. */
  readonly others: readonly Oid[];
  readonly boundary: Boundary;
}

/** The pack of what is wanted and not there, framed; of a whole clone, what was sent before is not put together again. */
export async function* packOf(
  parts: ServeParts,
  request: FetchRequest,
  here: Known,
  band: SideBand,
): AsyncGenerator<Uint8Array, void, undefined> {
  const quiet = request.capabilities.has('no-progress');
  const { store, hasher, zlib, packs } = parts;
  let gathering: Gathering | undefined;
  try {
    const asked = packs === undefined ? null : await wholeClone(parts, request, here);
    const before = asked === null ? null : await packBehind(parts, here.source, asked);
    const items = isSame(before, asked) ? [] : await itemsOf(parts, request, here, before);
    if (asked !== null) gathering = packs?.gather(store, asked, before);
    if (!quiet) yield band.say(2, `Enumerating objects: ${items.length + (before?.count ?? 0)}, done.\n`);
    const pack = writePack(items, {
      ...{ format: store.objectFormat, read: (oids) => store.read(oids), zlib, hash: hasher.stream(store.objectFormat) },
      ...{ distances: request.capabilities.has('ofs-delta'), before, onEntries: (entries) => gathering?.add(entries) },
    });
    for await (const piece of pack) yield band.frame(1, piece);
    gathering?.keep(items);
    if (band.isThere) yield FLUSH_PKT;
  } catch (error) {
    if (!band.isThere) throw error; // cut off, the pack is no pack, and the client says so
    yield band.say(3, `${wordsFor(error)}\n`);
  } finally {
    gathering?.drop();
  }
}

/** What is asked for, with what comes along; null where it is not all of a history. */
async function wholeClone(parts: ServeParts, request: FetchRequest, here: Known): Promise<WholeClone | null> {
  const { common, commits, others, boundary } = here;
  if (common.length + request.shallow.length + boundary.cut.size > 0 || request.filter !== null) return null;
  const tags: Oid[] = [];
  if (request.capabilities.has('include-tag')) {
    const { refs, peeled } = await listingOf(parts);
    for (const ref of peeled.keys()) tags.push(refs.get(ref) ?? '');
  }
  const distances = request.capabilities.has('ofs-delta');
  return { commits: [...new Set(commits)], others: [...new Set([...others, ...tags])], distances };
}

/** So many kept packs are held against what is asked for. */
const MOST_BEHIND = 2;

/** A pack that was sent before and has nothing in it that isn't asked for now; null where there is none. */
async function packBehind(parts: ServeParts, source: ObjectSource, asked: WholeClone): Promise<KeptPack | null> {
  const others = new Set(asked.others);
  for (const kept of parts.packs?.of(parts.store, asked).slice(0, MOST_BEHIND) ?? []) {
    if (!kept.others.every((oid) => others.has(oid))) continue;
    const selection = { wants: kept.commits, haves: asked.commits, shallow: NONE, cut: NONE };
    const isWanted = kept.commits.every((oid) => asked.commits.includes(oid));
    if (isWanted || (await selectCommits(source, selection, () => parts.zlib.turn())).length === 0) return kept;
  }
  return null;
}

/** Whether a kept pack is what is asked for: nothing is to be looked for then. */
function isSame(before: KeptPack | null, asked: WholeClone | null): boolean {
  if (before === null || asked === null) return false;
  return sameOids(before.commits, asked.commits) && sameOids(before.others, asked.others);
}

/** Whether two lists without repetitions have the same ids. */
function sameOids(a: readonly Oid[], b: readonly Oid[]): boolean {
  const among = new Set(a);
  return a.length === b.length && b.every((oid) => among.has(oid));
}

const NONE: ReadonlySet<Oid> = new Set();

async function itemsOf(parts: ServeParts, request: FetchRequest, here: Known, behind: KeptPack | null): Promise<PlannedItem[]> {
  const { source, common, commits, others, boundary } = here;
  const turn = (): Promise<void> => parts.zlib.turn();
  const shallow = new Set(request.shallow);
  const haves = behind?.commits ?? common;
  const selected = await selectCommits(source, { wants: commits, haves, shallow, cut: boundary.cut }, turn);
  const theirs = common.slice(-MOST_THEIRS);
  const { filter } = request;
  // Of what it has of commits, a partial clone may lack the files: no delta is built on them.
  const thin = request.capabilities.has('thin-pack') && filter === null;
  const tags = request.capabilities.has('include-tag') ? await tagsOf(parts, new Set(selected), behind) : [];
  const plan = { commits: selected, cut: boundary.cut, theirs, others: [...others, ...tags], thin, filter, behind };
  return planPack(source, plan, turn);
}

/** The annotated tags of commits, and of those that go before. */
async function tagsOf(parts: ServeParts, commits: ReadonlySet<Oid>, behind: KeptPack | null): Promise<Oid[]> {
  const { refs, peeled } = await listingOf(parts);
  const tagged = new Set(peeled.values());
  const sent = new Set([...tagged].filter((oid) => commits.has(oid)));
  if (sent.size < tagged.size) for (const [oid] of behind?.objects() ?? []) if (tagged.has(oid)) sent.add(oid);
  return [...peeled].filter(([, oid]) => sent.has(oid)).map(([ref]) => refs.get(ref) ?? '');
}
