import { KvError } from '../../../ports/error.js';

/** For how long a Stargate that has broken off is asked what became of a write: it may be starting again. Milliseconds. */
export const ASKED_AGAIN_MS = 20_000;
/** The pauses between two such questions: the first, after which each is twice as long, and the last. Milliseconds. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 2000;

/** The pauses of somebody who asks again and again, milliseconds. */
export function* pauses(): Generator<number, never> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LAST_PAUSE_MS)) yield pause;
}

/** What was sent, as its writer knows it. Nulls for what is not known. */
interface Sent {
  readonly ns: string;
  readonly txn: string | null;
  /** The commit that was sent: of the ledger, or an intent. */
  readonly commit: string | null;
  /** What is said of the commit beside the transaction: `commit …` or `intent …`. */
  readonly kind: 'commit' | 'intent';
}

/** The error for a write that was sent, and of which nobody could be asked whether it has landed. */
export function inDoubt(broken: KvError, { ns, txn, commit, kind }: Sent): KvError {
  const name = txn === null ? 'the push' : `transaction ${txn} (${kind} ${commit})`;
  const message = `${broken.message}; ${name} had been sent, and whether it has landed could not be found out`;
  return new KvError(broken.code, message, {
    cause: broken,
    hint: 'when the Stargate answers again, look for the transaction in the history before you write again',
    advice: { id: 'look-for-transaction', ns, txn: txn ?? '' },
    details: { ...broken.details, ns, txn, [kind]: commit, landed: 'unknown' },
  });
}

/** Whether an error says that the other side may answer a moment later. */
export function maySoonAnswer({ code }: KvError): boolean {
  return code === 'IO_ERROR' || code === 'BUSY' || code === 'NOT_LEADER';
}
