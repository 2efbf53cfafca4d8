import { KvError } from '../../../ports/error.js';
import { quoteKey } from '../../ledger/value/key.js';
import type { Clone } from '../clone/clone.js';
import { newestTip, readLedgerCommits, type Tip } from '../clone/tips.js';
import { tipForReading } from '../remote/tip-for-reading.js';
import { type KeyDifference, type KeyState, statesOf } from '../history/key-state.js';
import { putBack, type PutBack, writersFreshness } from '../history/put-back.js';
import { requireReality } from './about.js';
import { inReality } from './inside.js';
import { changedIn } from './manage.js';

const LISTED = 10;

/** What makes a reality true. */
export interface Promotion extends PutBack {
  /** How many transactions were tried in it. */
  readonly tried: number;
}

/**
 * What makes a reality true: its keys as they are in it, in one transaction, on the condition that nobody has changed any of them since it
 * began. What another has already made the same is left out. Reads the side that is written to. Throws `CAS_CONFLICT` naming every
 * key that was changed, `NOT_FOUND` for an unknown reality, `USAGE` for one that changes nothing.
 */
export async function planPromotion(clone: Clone, ns: string, name: string): Promise<Promotion> {
  const start = await requireReality(clone, ns, name);
  const inside = await inReality(clone, ns, name);
  const tried = await newestTip(inside, ns);
  const touched = await changedIn(clone, start);
  if (tried === null || touched.length === 0) {
    throw new KvError('USAGE', `reality ${name} of ${ns} changes nothing`, { hint: 'write in it first, or drop it' });
  }
  const tip = await tipForReading(clone, ns, await writersFreshness(clone));
  const { left, changed } = await heldAgainst(clone, ns, tip, touched);
  if (changed.length > 0) throw conflict(ns, name, changed, touched.length);
  const [then] = await readLedgerCommits(clone, [tried.ledger]);
  const [here] = tip === null ? [then] : await readLedgerCommits(clone, [tip.ledger]);
  if (then === undefined || here === undefined) throw new KvError('GIT_ERROR', `ledger commit ${tried.ledger} is missing`);
  const replacements = left.map(({ key, after, now }) => ({ key, now, old: after }));
  let steps = 0;
  for await (const _ of clone.store.history({ tip: tried.ledger, ...(start.base === null ? {} : { exclude: start.base }) }))
    steps++;
  const what = `${steps} ${steps === 1 ? 'transaction' : 'transactions'} tried`;
  return {
    ...(await putBack(clone, ns, here, then, replacements)),
    subject: `kv: ${ns}: promote reality ${name} (${what})`,
    tried: steps,
  };
}

/** A key of a reality, and what is true of it. */
type Compared = KeyDifference & { readonly now: KeyState | null };

/** What of a reality's keys is yet to become true of a state, and which of these others have changed since it began. */
export async function heldAgainst(
  clone: Clone,
  ns: string,
  tip: Tip | null,
  touched: readonly KeyDifference[],
): Promise<{ readonly left: readonly Compared[]; readonly changed: readonly string[] }> {
  const keys = touched.map(({ key }) => key);
  const states = tip === null ? [] : await statesOf(clone, ns, tip.commit.tree, keys);
  const left = touched.map((one, i) => ({ ...one, now: states[i] ?? null })).filter((one) => !isDone(one));
  return { left, changed: left.filter(({ before, now }) => before?.value !== now?.value).map(({ key }) => key) };
}

/** Whether another has made a key what it is in the reality. Where only its TTL or type is another there, that is not told from here. */
function isDone({ before, after, now }: Compared): boolean {
  return before?.value !== after?.value && after?.value === now?.value;
}

function conflict(ns: string, name: string, keys: readonly string[], all: number): KvError {
  const listed = keys.slice(0, LISTED).map(quoteKey).join(', ');
  const more = keys.length > LISTED ? `, and ${keys.length - LISTED} more` : '';
  const count = `${keys.length} of its ${all} ${all === 1 ? 'key' : 'keys'}`;
  return new KvError(
    'CAS_CONFLICT',
    `cannot promote reality ${name} of ${ns}: ${count} changed since it began: ${listed}${more}`,
    {
      hint: 'see what they are now, and try the change again on the newest state',
      advice: { id: 'try-again-in-reality', ns, name },
      details: { reality: name, keys },
    },
  );
}
