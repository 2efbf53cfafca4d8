import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';

/** What stands in the last paragraph of a commit's message, by name; empty for what is optional and absent. */
export type Trailers = (name: string) => string;

/** Which trailers a message of ours has. */
export interface TrailerNames {
  /** Each must stand there once. */
  readonly required: readonly string[];
  /** Each may. */
  readonly optional: readonly string[];
}

/** Every trailer of ours, in any kind of commit: none may stand where it does not belong. */
const RESERVED = new Set(
  [
    ...['KV-NS', 'KV-Txn', 'Base-Tree', 'KV-Index-Tree', 'KV-Chunks-Tree', 'KV-Ledger-Tree', 'Epoch', 'Keys-Set', 'Keys-Del'],
    ...['Parent-Epoch', 'Parent-Ledger', 'KV-Repository', 'KV-Intent', 'KV-Epoch', 'KV-Ledger'],
  ].map((name) => name.toLowerCase()),
);

/** A value of `-` says "none". */
export const orDash = (value: string | null): string => value ?? '-';
/** The value that a trailer stands for; null for `-`. */
export const fromDash = (value: string): string | null => (value === '-' ? null : value);

/**
 * Reads the trailers of ours: in the last paragraph, each exactly once, unfolded. Those that are not ours are the writer's own. Throws
 * `ATTESTATION_MISMATCH` naming the commit and the trailer.
 */
export function readTrailers(message: string, commit: Oid, { required, optional }: TrailerNames): Trailers {
  const paragraphs = message.replace(/\n$/, '').split('\n\n');
  const last = paragraphs.pop() ?? '';
  for (const line of paragraphs.join('\n').split('\n')) {
    const name = trailerName(line);
    if (name !== undefined && RESERVED.has(name.toLowerCase()))
      throw trailerFault(commit, `trailer ${name} stands outside the last paragraph`);
  }
  const values = new Map<string, string>();
  for (const line of last.split('\n')) {
    if (/^\s/.test(line)) throw trailerFault(commit, 'a trailer is folded over two lines');
    const name = trailerName(line);
    if (name === undefined) throw trailerFault(commit, 'the last paragraph has a line that is no trailer');
    const known = required.includes(name) || optional.includes(name);
    if (!known && RESERVED.has(name.toLowerCase())) throw trailerFault(commit, `trailer ${name} does not belong here`);
    if (!known) continue; // Signed-off-by and the like are the writer's own
    if (values.has(name)) throw trailerFault(commit, `trailer ${name} stands there twice`);
    values.set(name, line.slice(name.length + 2));
  }
  const missing = required.find((name) => !values.has(name));
  if (missing !== undefined) throw trailerFault(commit, `trailer ${missing} is missing`);
  return (name) => values.get(name) ?? '';
}

/** The first line of a text that would stand in a message as a trailer of ours, by its name; undefined when none would. */
export function reservedTrailer(text: string): string | undefined {
  return text
    .split('\n')
    .map(trailerName)
    .find((name) => name !== undefined && RESERVED.has(name.toLowerCase()));
}

/** What a writer wrote, without the last paragraph, which has the trailers. */
export function messageText(message: string): string {
  return message.replace(/\n$/, '').split('\n\n').slice(0, -1).join('\n\n');
}

/** What a writer wrote below the first line. */
export function messageBody(message: string): string {
  return messageText(message).split('\n').slice(1).join('\n').trim();
}

/** The name of a `Name: value` line. */
function trailerName(line: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9-]*): \S/.exec(line)?.[1];
}

/** `ATTESTATION_MISMATCH`, with what a commit's message has wrong. */
export function trailerFault(commit: Oid, what: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `commit ${commit}: ${what}`, {
    hint: 'write through a client of git-kv, which adds the trailers of docs/FORMAT.md',
    advice: { id: 'write-attested' },
  });
}
