import { utf8 } from '../../../../git/bytes.js';
import type { Clone } from '../../../clone/clone.js';
import type { HeldTurn } from './turn.js';

/** For how long a clone that has met a line asks for a turn first. Milliseconds. */
const REMEMBERED_MS = 60_000;
/** What is remembered is not written anew for less. Milliseconds. */
const ROUGHLY_MS = 10_000;

/**
 * Whether this clone has lately met others who write to a namespace: then it asks for a turn before it builds anything, since what it would
 * push without one would be refused.
 */
export async function sawLine(clone: Clone, ns: string): Promise<boolean> {
  const age = await ageOf(clone, ns);
  return age >= 0 && age < REMEMBERED_MS;
}

/** Keeps that a turn was waited for, or that others wait behind it; forgets it where nobody else was there. */
export async function rememberLine(clone: Clone, turn: HeldTurn | null, ns: string): Promise<void> {
  if (turn === null) return;
  const alone = turn.waiting === 0 && turn.waited_ms === 0;
  const age = await ageOf(clone, ns);
  const known = age >= 0 && age < (alone ? REMEMBERED_MS : ROUGHLY_MS);
  if (alone === known) await clone.cache?.put(nameOf(clone, ns), alone ? '' : String(clone.clock.now()));
}

/** How long ago a line was met, milliseconds; not a number where none was. */
async function ageOf(clone: Clone, ns: string): Promise<number> {
  const at = (await clone.cache?.get(nameOf(clone, ns))) ?? '';
  return at === '' ? Number.NaN : clone.clock.now() - Number(at);
}

/** A namespace's name may have characters that a kept text's may not. */
function nameOf({ hasher }: Clone, ns: string): string {
  return `line-${hasher.hex('sha256', utf8(ns)).slice(0, 32)}`;
}
