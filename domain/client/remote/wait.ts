import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { ledgerRef, mirrorRef, trackingRef, trackingRequest } from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';

interface WaitRequest {
  readonly ns: string;
  /** The ledger commit to wait for. */
  readonly oid: Oid;
  readonly timeoutMs: number;
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

/** Waits until the mirror's watermark is at or past a ledger commit. Throws `MIRROR_TIMEOUT`. */
export async function waitForMirror(clone: Clone, request: WaitRequest): Promise<Visible> {
  const { clock } = clone;
  const started = clock.now();
  let pause = FIRST_POLL_MS;
  const unread: KvError[] = [];
  const unlessUnreachable = (error: unknown): null => {
    if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error;
    unread.push(error); // a mirror that can't be reached for a moment is one that doesn't show the commit yet
    return null;
  };
  for (;;) {
    unread.length = 0;
    const watermark = await readWatermark(clone, request.ns).catch(unlessUnreachable);
    if (watermark !== null && (await isAtOrPast(clone, request, watermark).catch(unlessUnreachable)) === true) {
      await rememberWatermark(clone, request.ns, watermark);
      return { oid: request.oid, watermark, waitedMs: clock.now() - started };
    }
    const left = request.timeoutMs - (clock.now() - started);
    if (left <= 0) {
      const [cause] = unread;
      const what =
        cause === undefined
          ? `the mirror does not show ${request.oid} after ${request.timeoutMs / 1000} s`
          : `the mirror could not be read for ${request.timeoutMs / 1000} s, so that nobody knows whether it shows ${request.oid}: ${cause.message}`;
      throw new KvError('MIRROR_TIMEOUT', what, {
        ...(cause === undefined ? {} : { cause }),
        hint: 'the status of the Stargate says why; wait longer, or read from the Stargate',
        advice: { id: 'wait-longer' },
        details: { watermark },
      });
    }
    await clock.sleep(Math.min(pause, left), request.signal);
    pause = Math.min(pause * 1.5, LAST_POLL_MS);
  }
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

async function readWatermark(clone: Clone, ns: string): Promise<Oid | null> {
  const ref = mirrorRef(ns);
  return (await clone.remotes.listRefs(clone.remoteName, 'read', [ref])).get(ref) ?? null;
}

/** A later watermark is only known to contain the commit once its history is here. */
async function isAtOrPast(clone: Clone, { oid, ns }: WaitRequest, watermark: Oid): Promise<boolean> {
  if (watermark === oid) return true;
  const request = trackingRequest('mirror', ledgerRef(ns));
  const [known] = await clone.store.headers([watermark]);
  if (!known) await clone.remotes.fetch(clone.remoteName, 'read', [request]);
  return clone.store.isAncestor(oid, watermark);
}
