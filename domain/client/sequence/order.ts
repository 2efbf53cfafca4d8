import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import { during, NO_SPAN } from '../../../ports/tracing.js';
import { encodedSize, type Ordered, parseAnswerLine } from '../../git/wire/intent-frames.js';
import { intentRef } from '../../ledger/refs.js';
import type { Clone, WritingPorts } from '../clone/clone.js';
import { atTheLeader } from './follow-leader.js';
import { waitingWords, whenRoom } from '../remote/patience.js';
import { ASKED_AGAIN_MS, inDoubt, maySoonAnswer, pauses } from './in-doubt.js';
import type { SignedIntent } from './signed-intent.js';
import { greetingOf, sessionOf } from './sessions.js';

/**
 * Has the Stargate order an intent, and says for certain what has come of it: when the connection breaks after the intent was sent, the
 * same one is sent again until the Stargate answers, which orders a transaction once. Throws what the Stargate says, and `IO_ERROR` that
 * names the transaction when nobody could be asked.
 */
export async function order(clone: Clone, ports: WritingPorts, intent: SignedIntent, signal?: AbortSignal): Promise<Ordered> {
  const { ns, txn } = intent.trailers;
  return during((clone.span ?? NO_SPAN).child('git-kv.push', { facts: { ns: [ns], txn: [txn] } }), async (span) => {
    const traced = { ...clone, span };
    try {
      return await withPatience(clone, ports, () => atTheLeader(traced, () => send(traced, intent)));
    } catch (error) {
      if (!KvError.is(error) || error.details?.['sent'] !== 'all' || !maySoonAnswer(error)) throw error;
      return findOut(traced, intent, error, signal);
    }
  });
}

async function findOut(clone: Clone, intent: SignedIntent, broken: KvError, signal: AbortSignal | undefined): Promise<Ordered> {
  const { ns, txn } = intent.trailers;
  const until = clone.clock.now() + ASKED_AGAIN_MS;
  for (const pause = pauses(); ; ) {
    await clone.clock.sleep(pause.next().value, signal);
    try {
      return await atTheLeader(clone, () => send(clone, intent));
    } catch (error) {
      if (!KvError.is(error) || !maySoonAnswer(error)) throw error; // it answers, and has not ordered it: this is why
      if (clone.clock.now() >= until) throw inDoubt(broken, { ns, txn, commit: intent.oid, kind: 'intent' });
    }
  }
}

/** By the stream, where there is one that takes so much, else by a push. */
async function send(clone: Clone, intent: SignedIntent): Promise<Ordered> {
  const session = sessionOf(clone);
  const greeting = await greetingOf(session);
  if (session !== null && greeting !== null) {
    const sizes = [...intent.objects.map(({ body }) => body.length), ...intent.chunks.map(({ size }) => size)];
    if (encodedSize(sizes) <= greeting.maxFrame) {
      const trace = greeting.traces ? (clone.span?.context ?? null) : null;
      return session.submit([...intent.objects, ...(await chunksOf(clone, intent))], trace);
    }
  }
  return pushIntent(clone, intent);
}

async function chunksOf(clone: Clone, { chunks }: SignedIntent): Promise<NewObject[]> {
  const oids = chunks.map(({ blob }) => blob);
  const found = oids.length === 0 ? [] : await clone.store.read(oids);
  return found.map((object, i) => {
    if (object !== null && object !== undefined) return object;
    throw new KvError('GIT_ERROR', `chunk ${oids[i]} is missing in this clone`, { hint: 'write the value again' });
  });
}

/** Pushes an intent by git, and reads the answer in what the Stargate says meanwhile. */
async function pushIntent(clone: Clone, intent: SignedIntent): Promise<Ordered> {
  const { ns, txn } = intent.trailers;
  let answer: Ordered | KvError | undefined;
  await clone.store.write(intent.objects);
  await clone.remotes.push(clone.remoteName, [{ ref: intentRef(ns, txn), old: null, next: intent.oid }], {
    atomic: true,
    ...(intent.chunks.length === 0 ? { objects: intent.objects } : {}),
    onRemoteLine: (line) => (answer ??= answerIn(line)),
    onProgress: clone.onProgress,
    trace: clone.span?.context,
  });
  if (answer === undefined) {
    throw new KvError('GIT_ERROR', `the Stargate took transaction ${txn}, and what has come of it cannot be read`, {
      hint: 'look for the transaction in the history',
      advice: { id: 'look-for-transaction', ns, txn },
      details: { ns, txn, landed: 'unknown' },
    });
  }
  if (KvError.is(answer)) throw answer;
  return answer;
}

function answerIn(line: string): Ordered | KvError | undefined {
  try {
    return parseAnswerLine(line)?.outcome;
  } catch (error) {
    if (KvError.is(error)) return undefined; // begins like an answer and is none: that there was none is told below
    throw error;
  }
}

/** Does what may find the Stargate without room, or be cut off before anything was said, and waits then; says so once. */
export function withPatience<T>(clone: Clone, { randomness }: WritingPorts, attempt: () => Promise<T>): Promise<T> {
  const onWait = (busy: KvError): void => clone.onWarning?.(waitingWords(busy));
  return whenRoom({ clock: clone.clock, randomness: async () => randomness, onWait }, attempt);
}
