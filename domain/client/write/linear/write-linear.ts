import { KvError } from '../../../../ports/error.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { chunksTip, fetchChunks } from '../../clone/chunks-tip.js';
import type { Clone, WritingPorts } from '../../clone/clone.js';
import { newestTip } from '../../clone/tips.js';
import { isRefusedBy, type RequestedOperation } from '../operations.js';
import type { Receipt } from '../receipt.js';
import type { WriteRequest } from '../request.js';
import { type FindChunks, lookUpChunks } from '../value/chunk-value.js';
import { attempt, type ReadyWrite } from './attempt.js';
import { KnownState } from './known-state.js';
import type { Target } from './land.js';
import { knownTips, type News } from './news.js';
import { PlaceInLine } from './line/place-in-line.js';
import type { Prepared } from './prepare.js';
import { MAX_ATTEMPTS, pauseAfterRace } from './line/race-pause.js';
import { sawLine } from './line/seen-lines.js';
import { isOthersTurn } from './line/turn.js';

/** Reads the values of a write when it is first asked, and gives the same ever after: a lost race needs none of this again. */
export type PreparedOnce = (policy: NamespacePolicy | null, chunks: (key: string) => FindChunks) => Promise<Prepared>;

/** A write, where it goes, and its operations, one for each key. */
export interface LinearWrite {
  readonly request: WriteRequest;
  readonly target: Target;
  readonly kept: readonly RequestedOperation[];
  readonly warnings: readonly string[];
  readonly prepare: PreparedOnce;
}

/**
 * Writes one transaction of a linear ledger. Builds on the newest tip that this clone knows, without asking first; when the Stargate has
 * moved on, stands in line for a turn, reads its tip, builds again and retries, unless the caller expected a tree. Throws as `write`, and
 * `wrongMode` as soon as the policy says that the ledger is sequenced.
 */
export async function writeLinear(clone: Clone, ports: WritingPorts, write: LinearWrite): Promise<Receipt> {
  const { request, target, kept } = write;
  const { ns } = request;
  const warnings = [...write.warnings];
  const known = await KnownState.of(clone, ns, target === 'clone');
  await knowEnough(known, write, warnings);
  const pushes = target === 'stargate' && request.dryRun !== true;
  if (pushes) known.requireLinear();
  const find = chunksFetched(clone, ns, target);
  const prepared = await write.prepare(known.policy, () => find);
  const atHand = !namesChunks(prepared);
  // Whoever expects a tree stands in no line: it waits while it is another's turn.
  const queues = request.expectTree === undefined;
  const line = new PlaceInLine(clone, ports, ns, { canStand: pushes && queues, withChunks: !atHand });
  const ready: ReadyWrite = { request, target, kept, prepared, known, line, pushes, queues, atHand };
  try {
    return await untilItLands(clone, ports, ready, warnings);
  } finally {
    line.release();
  }
}

/** Asks the Stargate where what this clone knows is not enough to begin with. A dry run goes on without an answer, and warns. */
async function knowEnough(known: KnownState, { request, kept }: LinearWrite, warnings: string[]): Promise<void> {
  const unknown = known.published.policy === null && request.dryRun !== true;
  if (request.dryRun === true && request.refreshed !== true) {
    try {
      await known.refreshOnce();
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error;
      warnings.push(`the Stargate could not be asked, so this is by what was last fetched: ${error.message}`);
      known.fresh = true; // asking again would fail again
    }
  }
  if (unknown || isRefusedBy(known.policy, request.ns, kept)) await known.refreshOnce();
}

/** Attempt after attempt, in line where others write too. Throws what the last one lost by. */
async function untilItLands(clone: Clone, ports: WritingPorts, write: ReadyWrite, warnings: string[]): Promise<Receipt> {
  const { request, target, known, line, pushes, queues } = write;
  const { ns } = request;
  let news: News | null = null;
  if (pushes && queues && (await sawLine(clone, ns))) {
    const tip = await newestTip(clone, ns);
    const have = knownTips(clone, ports, tip);
    await line.stand(have);
    if (line.turn !== null) {
      news = await line.catchUp(tip, have);
      await known.reread();
    }
  }
  for (let retries = 0; ; ) {
    if (pushes) known.requireLinear();
    const began = clone.clock.now();
    const end = await attempt(clone, ports, write, { news, retries, warnings });
    news = null;
    if (end === 'knows-more') continue;
    if ('receipt' in end) return end.receipt;
    const { lost, tip } = end;
    line.release();
    const took = queues ? clone.clock.now() - began : 0;
    const again = ++retries < MAX_ATTEMPTS && (queues || isOthersTurn(lost));
    const have = knownTips(clone, ports, tip);
    if (again) await line.stand(have);
    if (again && line.turn === null) await pauseAfterRace(clone, ports, retries - 1, took);
    if (target === 'stargate' && (again || tip?.from !== 'stargate')) news = await line.catchUp(tip, have);
    if (!again) throw lost;
    await known.reread();
  }
}

/** Whether a value lies in chunks: ones that were just cut, or those that an old value's manifest names. */
function namesChunks({ operations }: Prepared): boolean {
  return operations.some((one) => one.op === 'set' && !(one.value instanceof Uint8Array));
}

/** Finds chunks that the namespace's epoch has, fetched where this clone knows none, when the first is asked for. */
function chunksFetched(clone: Clone, ns: string, target: Target): FindChunks {
  let tree: Promise<Oid | null> | undefined;
  const lookUp = async (): Promise<Oid | null> => {
    const tip = await newestTip(clone, ns);
    if (tip === null) return null;
    const { epoch } = tip.trailers;
    if (target === 'stargate' && (await chunksTip(clone, ns, epoch)) === null) await fetchChunks(clone, ns, epoch, 'stargate');
    return (await chunksTip(clone, ns, epoch))?.tree ?? null;
  };
  return async (digests) => {
    tree ??= lookUp();
    return lookUpChunks(clone, ns, await tree, digests);
  };
}
