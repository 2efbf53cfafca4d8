import { KNOWS } from '../../admin/knows.js';
import { askStargate } from '../../admin/verb.js';
import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { MirrorRefusal } from '../../ledger/mirror-refusals.js';
import { ledgerRef, mirrorRef, POLICY_REF, trackingRef, trackingRequest } from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';
import { foreignTip } from '../clone/foreign-tip.js';
import { refusalIn } from '../clone/mirror-notice.js';
import { openTip } from '../clone/tips.js';

interface WaitRequest {
  readonly ns: string;
  /** The ledger commit to wait for. */
  readonly oid: Oid;
  readonly timeoutMs: number;
  /** The Stargate has said that it has the commit: it is not asked. */
  readonly accepted?: boolean;
  readonly signal?: AbortSignal;
}

/** The mirror shows a write. `waitedMs`: how long that took. */
export interface Visible {
  readonly oid: Oid;
  /** The watermark that was found: the commit itself or a later one. */
  readonly watermark: Oid;
  readonly waitedMs: number;
}

const FIRST_POLL_MS = 100;
const LAST_POLL_MS = 2000;
/** A Stargate tries what was refused again after 30 s at the most, unless its content is the reason: until then there is hope. Milliseconds. */
const HOPE_MS = 35_000;

/**
 * Waits until the mirror's watermark is at or past a ledger commit. Throws `MIRROR_TIMEOUT`; before the time is over where the Stargate
 * says that the mirror refuses the namespace, and went on to; `NOT_FOUND` soon, where neither this clone nor the Stargate knows the commit;
 * `ATTESTATION_MISMATCH` where the mirror shows what is no ledger commit.
 */
export async function waitForMirror(clone: Clone, request: WaitRequest): Promise<Visible> {
  const { clock } = clone;
  const started = clock.now();
  let pause = FIRST_POLL_MS;
  let published: Oid | null = null;
  let refused: MirrorRefusal | null = null;
  let ledger: Oid | null = null;
  let question: Question | null = null;
  const unread: KvError[] = [];
  const unlessUnreachable = (error: unknown): null => {
    if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error;
    unread.push(error); // a mirror that can't be reached for a moment is one that doesn't show the commit yet
    return null;
  };
  for (;;) {
    unread.length = 0;
    const shown = await readShown(clone, request.ns).catch(unlessUnreachable);
    const watermark = shown?.watermark ?? null;
    if (shown !== null && shown.ledger !== ledger && (await checkLedger(clone, request, shown).catch(unlessUnreachable)))
      ledger = shown.ledger;
    if (watermark !== null && (await isAtOrPast(clone, request, watermark).catch(unlessUnreachable)) === true) {
      await rememberWatermark(clone, request.ns, watermark);
      return { oid: request.oid, watermark, waitedMs: clock.now() - started };
    }
    if (shown !== null && request.accepted !== true) question ??= ask(clone, request); // the mirror may know more than a Stargate that was put back
    if (question?.answer === 'unknown') throw unknownCommit(request);
    if (shown !== null && shown.policy !== published) {
      const said: Said | null = await refusalAt(clone, request.ns, shown.policy).catch(unlessUnreachable);
      if (said !== null) [published, refused] = [shown.policy, said.refused];
    }
    const waited = clock.now() - started;
    const left = request.timeoutMs - waited;
    if (left <= 0 || (refused !== null && waited >= HOPE_MS)) {
      throw notShown(request, { left, waited, watermark, refused, cause: unread[0] });
    }
    await clock.sleep(Math.min(pause, left), request.signal);
    pause = Math.min(pause * 1.5, LAST_POLL_MS);
  }
}

interface Waited {
  readonly left: number;
  readonly waited: number;
  readonly watermark: Oid | null;
  readonly refused: MirrorRefusal | null;
  readonly cause: KvError | undefined;
}

function notShown({ ns, oid, timeoutMs }: WaitRequest, { left, waited, watermark, refused, cause }: Waited): KvError {
  const seconds = left <= 0 ? timeoutMs / 1000 : Math.round(waited / 1000);
  const why = refused === null ? '' : `: it has refused namespace ${ns} since ${refused.since} (${refused.code})`;
  const what =
    cause === undefined
      ? `the mirror does not show ${oid} after ${seconds} s${why}`
      : `the mirror could not be read for ${seconds} s, so that nobody knows whether it shows ${oid}: ${cause.message}`;
  return new KvError('MIRROR_TIMEOUT', what, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'the status of the Stargate says why; wait longer, or read from the Stargate',
    advice: { id: 'wait-longer' },
    details: { watermark, ...(refused === null ? {} : { refused }) },
  });
}

/** Keeps the watermark that was seen, for a verification to look at, where its commit is here. */
async function rememberWatermark({ store }: Clone, ns: string, watermark: Oid): Promise<void> {
  const ref = trackingRef('mirror', mirrorRef(ns));
  const [[header], refs] = await Promise.all([store.headers([watermark]), store.refs([ref])]);
  const old = refs.get(ref) ?? null;
  if (!header || old === watermark) return;
  try {
    await store.updateRefs([{ ref, old, next: watermark }], `kv: ${ns}: seen at the mirror`);
  } catch (error) {
    if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error; // another process has seen it, or a later one
  }
}

interface Shown {
  readonly watermark: Oid | null;
  readonly ledger: Oid | null;
  /** The commit of the published policy. */
  readonly policy: Oid | null;
}

async function readShown(clone: Clone, ns: string): Promise<Shown> {
  const names = [mirrorRef(ns), ledgerRef(ns), POLICY_REF];
  const refs = await clone.remotes.listRefs(clone.remoteName, 'read', names);
  const [watermark = null, ledger = null, policy = null] = names.map((name) => refs.get(name));
  return { watermark, ledger, policy };
}

/** Looks at what the mirror shows as the ledger, unless the watermark says that it is one. Throws `ATTESTATION_MISMATCH` when it is none. */
async function checkLedger(clone: Clone, { ns, oid }: WaitRequest, { ledger, watermark }: Shown): Promise<true> {
  if (ledger === null || ledger === watermark || ledger === oid) return true;
  const tracked = trackingRequest('mirror', ledgerRef(ns));
  const [known] = await clone.store.headers([ledger]);
  if (!known) await clone.remotes.fetch(clone.remoteName, 'read', [tracked]);
  const [object] = await clone.store.read([ledger]);
  if (!object) return true; // it has moved on since
  const opened = openTip(clone, ns, ledger, object);
  if (typeof opened !== 'string') return true;
  throw foreignTip({ from: 'mirror', ref: ledgerRef(ns), oid: ledger, why: opened }, tracked.localRef);
}

/** A question to the Stargate, which nobody waits for, and what has come of it. */
interface Question {
  answer: 'open' | 'unknown';
}

/** Asks the Stargate whether it has a commit of which this clone knows nothing. What it hasn't got, it can't mirror. */
function ask(clone: Clone, { ns, oid }: WaitRequest): Question {
  const question: Question = { answer: 'open' };
  const asked = async (): Promise<void> => {
    const [here = null] = await clone.store.read([oid]).catch(unlessLacking);
    if (here !== null && typeof openTip(clone, ns, oid, here) !== 'string') return;
    const { known } = await askStargate(clone.stargate, clone.remoteName, KNOWS, { ns, oid });
    if (!known) question.answer = 'unknown';
  };
  asked().catch(() => undefined); // no Stargate, none that can be reached, or one from before the question: the mirror is waited for
  return question;
}

/** In a partial clone git asks the remote for what is not here, and gives up altogether when that hasn't got it. */
function unlessLacking(error: unknown): [] {
  if (KvError.is(error) && error.code === 'GIT_ERROR') return [];
  throw error;
}

function unknownCommit({ ns, oid }: WaitRequest): KvError {
  return new KvError(
    'NOT_FOUND',
    `neither this clone nor the Stargate knows ledger commit ${oid} of namespace ${ns}, so no mirror will show it`,
    {
      hint: 'take the commit from the receipt of the write, and its namespace',
    },
  );
}

interface Said {
  readonly refused: MirrorRefusal | null;
}

/** What the policy at the mirror says of the namespace; the policy is fetched where this clone hasn't got it. */
async function refusalAt(clone: Clone, ns: string, policy: Oid | null): Promise<Said> {
  if (policy === null) return { refused: null };
  const [known] = await clone.store.headers([policy]);
  if (!known) await clone.remotes.fetch(clone.remoteName, 'read', [trackingRequest('mirror', POLICY_REF)]);
  return { refused: await refusalIn(clone, policy, ns) };
}

/** A later watermark is only known to contain the commit once its history is here. */
async function isAtOrPast(clone: Clone, { oid, ns }: WaitRequest, watermark: Oid): Promise<boolean> {
  if (watermark === oid) return true;
  const request = trackingRequest('mirror', ledgerRef(ns));
  const [known] = await clone.store.headers([watermark]);
  if (!known) await clone.remotes.fetch(clone.remoteName, 'read', [request]);
  return clone.store.isAncestor(oid, watermark);
}
