import type { Operation } from '../../domain/ledger/transaction/transaction.js';
import { keyAt, setOf, valueAt } from '../corpus.js';

/** One `mset`: half of the sets replace a key, half bring a new one; the deletions are spread over the keys. */
export interface Change {
  readonly sets: readonly { readonly key: string; readonly value: string }[];
  readonly deletions: readonly string[];
}

const SETS = 10_000;
const DELETIONS = 5_000;

/** The keys are `keyAt(0 … count - 1)` before. `generation` makes the values fresh. */
export function changeOf(count: number, generation: number): Change {
  const step = Math.floor(count / (SETS / 2));
  const sets = Array.from({ length: SETS }, (_, i) => {
    const at = i < SETS / 2 ? i * step + 1 : count + i - SETS / 2;
    return { key: keyAt(at), value: valueAt(at, generation) };
  });
  return { sets, deletions: Array.from({ length: DELETIONS }, (_, i) => keyAt(i * step)) };
}

export function operationsOf({ sets, deletions }: Change, now: number): Operation[] {
  return [...sets.map(({ key, value }) => setOf(key, value, now)), ...deletions.map((key): Operation => ({ op: 'del', key }))];
}

/** The lines that `git kv mset --file -` takes. */
export function linesOf({ sets, deletions }: Change): string {
  const lines = [
    ...sets.map((set) => ({ op: 'set', ctype: 'application/json', ...set })),
    ...deletions.map((key) => ({ op: 'del', key })),
  ];
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}
