import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';
import type { Clone } from '../clone/clone.js';
import { aboutRef, checkRealityName } from './reality-refs.js';

/** What a reality began as. */
export interface RealityStart {
  readonly name: string;
  readonly ns: string;
  /** The ledger commit that it goes on from; null: the namespace had none. */
  readonly base: Oid | null;
  /** The index commit beside it, and the chunks commit, where this clone had one. */
  readonly index: Oid | null;
  readonly chunks: Oid | null;
  /** When, ISO 8601. */
  readonly made: string;
}

const VERSION = 1;

/** The text that a reality's blob holds. */
export function encodeStart({ base, index, chunks, made }: Omit<RealityStart, 'name' | 'ns'>): Uint8Array {
  return utf8(JSON.stringify({ v: VERSION, base, index, chunks, made }));
}

/** What a reality began as; null where there is none of that name. Throws `USAGE`, and `GIT_ERROR` for one that can't be read. */
export async function readStart(clone: Clone, ns: string, name: string): Promise<RealityStart | null> {
  checkRealityName(name);
  const ref = aboutRef(ns, name);
  const oid = (await clone.store.refs([ref])).get(ref);
  if (oid === undefined) return null;
  const [object] = await clone.store.read([oid]);
  const damaged = (why: string): KvError =>
    new KvError('GIT_ERROR', `reality ${name} of ${ns} can't be read: ${why}`, { hint: 'drop it, and begin another' });
  if (object?.type !== 'blob') throw damaged(`${ref} names no blob`);
  let text: Partial<Record<'v' | 'base' | 'index' | 'chunks' | 'made', unknown>> | null;
  try {
    text = JSON.parse(decodeLoose(object.body)) as typeof text; // checked below, field by field
  } catch {
    throw damaged('its description is no JSON');
  }
  const { v, base, index, chunks, made } = text ?? {};
  if (v !== VERSION) throw damaged(`its description is of version ${String(v)}, this reads ${VERSION}`);
  const isCommit = (oid: unknown): oid is Oid | null => oid === null || typeof oid === 'string';
  if (isCommit(base) && isCommit(index) && isCommit(chunks) && typeof made === 'string')
    return { name, ns, base, index, chunks, made };
  throw damaged('its description lacks a field');
}

/** As `readStart`. Throws `NOT_FOUND` where there is none. */
export async function requireReality(clone: Clone, ns: string, name: string): Promise<RealityStart> {
  const start = await readStart(clone, ns, name);
  if (start !== null) return start;
  throw new KvError('NOT_FOUND', `namespace ${ns} has no reality ${name} in this clone`, {
    hint: 'begin it first',
    advice: { id: 'begin-reality', ns, name },
  });
}
