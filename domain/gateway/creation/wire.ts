import { KvError } from '../../../ports/error.js';
import { parseRepositoryName } from '../../../ports/grammar/repository-name.js';
import { isServerName } from '../../../ports/grammar/server-name.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';
import { isRepositoryId } from '../../ledger/repository-id.js';
import type { Creation, CreationAnswer, CreationMessage, CreationOutcome, Vote } from './records.js';

/** What servers say to each other of creations, as JSON. What they don't know they pass over. */

/** More than any policy has. Bytes. */
const MOST = 4 * 1024 ** 2;
const ID = /^[0-9A-HJKMNP-TV-Z]{26}-\d{1,2}$/;
const MOST_SERVERS = 100;
const VOTES: readonly Vote[] = ['yes', 'exists', 'reserved', 'invalid'];
const OUTCOMES: readonly CreationOutcome[] = ['decided', 'aborted', 'pending'];

type Fields = Readonly<Record<string, unknown>>;

/** A message's or an answer's bytes. */
export function encodeCreation(value: CreationMessage | CreationAnswer | Creation): Uint8Array {
  return utf8(JSON.stringify(value));
}

/** Reads what a server asks. Throws `INPUT_INVALID`, `NOT_SUPPORTED` for a question of a later version. */
export function decodeCreationMessage(bytes: Uint8Array): CreationMessage {
  const fields = fieldsOf(bytes);
  const { kind } = fields;
  switch (kind) {
    case 'prepare':
      return { kind, creation: creationIn(fields['creation']), servers: countIn(fields['servers']) };
    case 'commit':
      return { kind, creation: creationIn(fields['creation']) };
    case 'abort':
    case 'outcome':
      return { kind, id: textIn(fields['id'], ID), repository: nameIn(fields['repository']) };
    case 'since':
      return { kind, after: countIn(fields['after']) };
    default:
      throw new KvError('NOT_SUPPORTED', 'this server is not asked for that', {
        hint: 'bring the servers to versions that are one apart at the most',
      });
  }
}

/** Reads what a server answers. Throws `INPUT_INVALID`. */
export function decodeCreationAnswer(bytes: Uint8Array): CreationAnswer {
  const fields = fieldsOf(bytes);
  const { kind } = fields;
  switch (kind) {
    case 'vote':
      return { kind, vote: oneOf(fields['vote'], VOTES) };
    case 'done':
      return { kind };
    case 'outcome':
      return { kind, outcome: oneOf(fields['outcome'], OUTCOMES) };
    case 'created': {
      const { creations } = fields;
      if (!Array.isArray(creations)) throw wrong();
      return { kind, creations: creations.map(creationIn), last: countIn(fields['last']) };
    }
    default:
      throw wrong();
  }
}

/** Reads a creation as it is kept. Throws `INPUT_INVALID`. */
export function decodeCreation(bytes: Uint8Array): Creation {
  return creationIn(fieldsOf(bytes));
}

function creationIn(value: unknown): Creation {
  const fields = asFields(value);
  const { policy } = fields;
  if (typeof policy !== 'string' || policy.length > MOST) throw wrong();
  const repositoryId = fields['repositoryId'];
  if (typeof repositoryId !== 'string' || !isRepositoryId(repositoryId)) throw wrong();
  return {
    ...{ id: textIn(fields['id'], ID), repository: nameIn(fields['repository']), policy, repositoryId },
    objectFormat: oneOf(fields['objectFormat'], ['sha1', 'sha256'] as const),
    coordinator: serverIn(fields['coordinator']),
    ...(fields['servers'] === undefined ? {} : { servers: serversIn(fields['servers']) }),
  };
}

function fieldsOf(bytes: Uint8Array): Fields {
  try {
    return asFields(JSON.parse(decodeLoose(bytes)));
  } catch (cause) {
    throw KvError.is(cause) ? cause : wrong(cause);
  }
}

function asFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong();
  return value as Fields; // any object has fields
}

function textIn(value: unknown, form: RegExp): string {
  if (typeof value === 'string' && form.test(value)) return value;
  throw wrong();
}

function serversIn(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_SERVERS) throw wrong();
  return value.map(serverIn);
}

function serverIn(value: unknown): string {
  if (typeof value === 'string' && isServerName(value)) return value;
  throw wrong();
}

function nameIn(value: unknown): string {
  if (typeof value === 'string' && parseRepositoryName(value) !== null) return value;
  throw wrong();
}

function countIn(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong();
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw wrong();
  return found;
}

const wrong = (cause?: unknown): KvError => new KvError('INPUT_INVALID', 'a message of a server that can not be read', { cause });
