import { KvError } from '../../../../ports/error.js';
import { encodePkt, FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { concat, utf8 } from '../../../git/bytes.js';
import { type FetchRequest, readFetchV0, readRequestV2 } from '../../../git/wire/fetch-request.js';
import { capabilitiesV2, refsAnswer, uploadAdvertisement } from '../../../git/wire/ref-listing.js';
import { SideBand } from '../../../git/wire/side-band.js';
import type { ObjectSource } from '../../objects/source.js';
import { CommitQueue } from '../../log/commit-queue.js';
import { peel } from '../../refs/revision.js';
import { listingOf, type ServeParts, sourceOf } from '../parts.js';
import { type Known, packOf } from './send-pack.js';
import { type Boundary, boundaryOf } from './shallow.js';
import { wordsFor } from '../words.js';

/** The protocols of upload-pack that clients speak. */
export type UploadProtocol = 0 | 2;

const DELIM_PKT = utf8('0001');
/** More wants are not held against what the client has: it tells of all of it. */
const MOST_COMPARED = 64;

/** What upload-pack says first, without a connection that is kept. */
export async function greetFetch(parts: ServeParts, protocol: UploadProtocol): Promise<Uint8Array> {
  return protocol === 2
    ? capabilitiesV2(parts.store.objectFormat, parts.agent)
    : uploadAdvertisement(await listingOf(parts), parts.agent);
}

/**
 * Answers one request of a fetch, in pieces, from a request that is all there. What is wrong with it is told the client in the protocol's
 * own words: nothing is thrown.
 */
export async function* uploadPack(
  parts: ServeParts,
  protocol: UploadProtocol,
  request: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (protocol === 0) {
      const fetch = readFetchV0(request, parts.store.objectFormat);
      if (fetch !== null) yield* answerV0(parts, fetch);
      return;
    }
    const asked = readRequestV2(request, parts.store.objectFormat);
    if (asked?.command === 'ls-refs') yield refsAnswer(await listingOf(parts), asked.refs);
    else if (asked !== null) yield* answerV2(parts, asked.fetch);
  } catch (error) {
    yield encodePkt(`ERR ${wordsFor(error)}\n`);
  }
}

async function known(parts: ServeParts, request: FetchRequest): Promise<Known> {
  const { store } = parts;
  const source = sourceOf(parts);
  const wanted = await store.read(request.wants);
  const commits: Oid[] = [];
  const others: Oid[] = [];
  for (const [i, object] of wanted.entries()) {
    if (object === null) throw new KvError('INPUT_INVALID', `upload-pack: not our ref ${request.wants[i]}`);
    const commit = await peel(source, object.oid);
    if (commit !== null) commits.push(commit);
    if (commit !== object.oid) others.push(object.oid);
  }
  const common = await commitsHere(parts, request.haves);
  const theirs = new Set(await commitsHere(parts, request.shallow));
  const boundary = await boundaryOf(source, store, commits, theirs, request.deepen, () => parts.zlib.turn());
  return { source, common, commits, others, boundary };
}

async function commitsHere({ store }: ServeParts, oids: readonly Oid[]): Promise<Oid[]> {
  const unique = [...new Set(oids)];
  const objects = await store.read(unique);
  return objects.filter((object) => object?.type === 'commit').map((object) => (object === null ? '' : object.oid));
}

/** Whether everything that is wanted builds on something that the client has: further questions would find little. */
async function isReady({ source, common, commits }: Known): Promise<boolean> {
  if (common.length === 0 || commits.length > MOST_COMPARED) return false;
  const haves = new Set(common);
  for (const want of commits) if (!(await buildsOn(source, want, haves))) return false;
  return true;
}

async function buildsOn(source: ObjectSource, want: Oid, haves: ReadonlySet<Oid>): Promise<boolean> {
  const seen = new Set<Oid>([want]);
  const queue = new CommitQueue();
  queue.push(await source.commit(want));
  for (let commit = queue.pop(); commit !== undefined; commit = queue.pop()) {
    if (haves.has(commit.oid)) return true;
    for (const parent of commit.parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      queue.push(await source.commit(parent));
    }
  }
  return false;
}

async function* answerV2(parts: ServeParts, request: FetchRequest): AsyncGenerator<Uint8Array> {
  const here = await known(parts, request);
  if (!request.done) {
    const ready = (!request.capabilities.has('wait-for-done') && (await isReady(here))) || request.wants.length === 0;
    const lines = ['acknowledgments\n', ...here.common.map((oid) => `ACK ${oid}\n`)];
    if (here.common.length === 0) lines.push('NAK\n');
    if (ready && request.wants.length > 0) lines.push('ready\n');
    yield concat(lines.map(encodePkt));
    if (!ready || request.wants.length === 0) {
      yield FLUSH_PKT;
      return;
    }
    yield DELIM_PKT;
  }
  if (request.deepen !== null) {
    const lines = ['shallow-info\n', ...shallowLines(here.boundary)];
    yield concat([...lines.map(encodePkt), DELIM_PKT]);
  }
  yield encodePkt('packfile\n');
  yield* packOf(parts, request, here, SideBand.large);
}

async function* answerV0(parts: ServeParts, request: FetchRequest): AsyncGenerator<Uint8Array> {
  const { capabilities, done } = request;
  const here = await known(parts, request);
  if (request.deepen !== null) yield concat([...shallowLines(here.boundary).map(encodePkt), FLUSH_PKT]);
  if (!request.asks) return;
  const { common } = here;
  const detailed = capabilities.has('multi_ack_detailed');
  const multiple = detailed || capabilities.has('multi_ack');
  const last = common.at(-1);
  const lines = multiple
    ? common.map((oid) => `ACK ${oid} ${detailed ? 'common' : 'continue'}\n`)
    : common.slice(0, 1).map((oid) => `ACK ${oid}\n`);
  if (done) {
    if (multiple && last !== undefined) lines.push(`ACK ${last}\n`);
    if (last === undefined) lines.push('NAK\n');
  } else {
    const ready = detailed && (await isReady(here));
    if (ready) lines.push(`ACK ${last} ready\n`);
    if (multiple || last === undefined) lines.push('NAK\n');
    if (ready && capabilities.has('no-done')) lines.push(`ACK ${last}\n`);
    else {
      yield concat(lines.map(encodePkt));
      return;
    }
  }
  yield concat(lines.map(encodePkt));
  yield* packOf(parts, request, here, SideBand.of(capabilities));
}

const shallowLines = ({ shallow, unshallow }: Boundary): string[] => [
  ...shallow.map((oid) => `shallow ${oid}\n`),
  ...unshallow.map((oid) => `unshallow ${oid}\n`),
];
