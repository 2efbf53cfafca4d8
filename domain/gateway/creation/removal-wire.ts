import { KvError } from '../../../ports/error.js';
import { parseRepositoryName } from '../../../ports/grammar/repository-name.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';
import { isRepositoryId } from '../../ledger/repository-id.js';

/** A repository that is taken away from all servers. Its id tells it from any that has its name later. */
export interface Removal {
  /** `owner/name`. */
  readonly repository: string;
  readonly repositoryId: string;
}

/** What servers say to each other of removals: this one is to be, or what was removed there after so many others. */
export type RemovalMessage =
  | { readonly kind: 'remove'; readonly removal: Removal }
  | { readonly kind: 'since'; readonly after: number };

/** What a server answers: what it has removed after so many others, and how many in all. */
export interface RemovalAnswer {
  readonly removals: readonly Removal[];
  readonly last: number;
}

/** A message's, an answer's or a removal's bytes. */
export const encodeRemoval = (value: RemovalMessage | RemovalAnswer | Removal): Uint8Array => utf8(JSON.stringify(value));

/** Reads what a server asks. Throws `INPUT_INVALID`, `NOT_SUPPORTED` for a question of a later version. */
export function decodeRemovalMessage(bytes: Uint8Array): RemovalMessage {
  const { kind, removal, after } = fieldsOf(bytes);
  if (kind === 'remove') return { kind, removal: removalIn(removal) };
  if (kind === 'since') return { kind, after: countIn(after) };
  throw new KvError('NOT_SUPPORTED', 'this server is not asked for that', {
    hint: 'bring the servers to versions that are one apart at the most',
  });
}

/** Reads what a server answers. Throws `INPUT_INVALID`. */
export function decodeRemovalAnswer(bytes: Uint8Array): RemovalAnswer {
  const { removals, last } = fieldsOf(bytes);
  if (!Array.isArray(removals)) throw wrong();
  return { removals: removals.map(removalIn), last: countIn(last) };
}

/** Reads a removal as it is kept. Throws `INPUT_INVALID`. */
export const decodeRemoval = (bytes: Uint8Array): Removal => removalIn(fieldsOf(bytes));

function removalIn(value: unknown): Removal {
  const { repository, repositoryId } = asFields(value);
  if (typeof repository !== 'string' || parseRepositoryName(repository) === null) throw wrong();
  if (typeof repositoryId !== 'string' || !isRepositoryId(repositoryId)) throw wrong();
  return { repository, repositoryId };
}

function countIn(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong();
}

function fieldsOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return asFields(JSON.parse(decodeLoose(bytes)));
  } catch (cause) {
    throw KvError.is(cause) ? cause : wrong(cause);
  }
}

function asFields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong();
  return value as Readonly<Record<string, unknown>>; // any object has fields
}

const wrong = (cause?: unknown): KvError => new KvError('INPUT_INVALID', 'a message of a server that can not be read', { cause });
