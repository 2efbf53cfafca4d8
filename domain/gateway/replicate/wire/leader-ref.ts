import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { RefName } from '../../../../ports/vocabulary.js';
import { decodeLoose, utf8 } from '../../../git/bytes.js';
import type { ObjectNamer } from '../../../git/object.js';
import { classifyRef } from '../../../ledger/refs.js';
import type { Standing } from '../entry.js';

/** Where a server's refs stand: it moves with them, in one ref transaction. It points to a blob. */
export const LEADER_REF: RefName = 'refs/kv-leader';

/** What the blob says. */
export interface LeaderRecord extends Standing {
  /** The term of the leader that has decided it. */
  readonly term: number;
}

/** The blob: JSON with a fixed order of keys, no spaces and no final newline. */
export function encodeLeaderRecord(namer: ObjectNamer, { sequence, term, digest, members }: LeaderRecord): NewObject {
  return namer.object('blob', utf8(JSON.stringify({ v: 1, sequence, term, digest, members })));
}

/** Reads the blob. Throws `FORMAT_UNSUPPORTED` for anything else, and for a later version. */
export function decodeLeaderRecord(bytes: Uint8Array): LeaderRecord {
  const { v, sequence, term, digest, members } = fieldsOf(bytes);
  if (
    v === 1 &&
    Number.isSafeInteger(sequence) &&
    Number.isSafeInteger(term) &&
    typeof digest === 'string' &&
    Array.isArray(members) &&
    members.every((member) => typeof member === 'string')
  )
    return { sequence: Number(sequence), term: Number(term), digest, members: members as string[] };
  throw new KvError('FORMAT_UNSUPPORTED', `${LEADER_REF} names no place in a history that this version knows`, {
    hint: 'a newer git-kv wrote it, or somebody by hand: run that version',
  });
}

function fieldsOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(decodeLoose(bytes));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // what is no JSON has no version either
  }
}

/** Whether a ref is part of the history that servers share: not the watermarks, which each leader keeps for itself, nor what stands aside. */
export function isReplicated(ref: RefName): boolean {
  const { kind } = classifyRef(ref);
  return kind !== 'other' && kind !== 'mirror';
}
