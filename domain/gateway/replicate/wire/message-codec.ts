import { KvError } from '../../../../ports/error.js';
import type { Head } from '../../../../ports/stargate/decision-log.js';
import { isAnyOid, type RefUpdate, type WatchEvent } from '../../../../ports/vocabulary.js';
import { decodeLoose, utf8 } from '../../../git/bytes.js';
import { type Entry, type Position, type Standing } from '../entry.js';
import type { Message, RefusalReason } from '../messages.js';

const REASONS: readonly RefusalReason[] = ['older-term', 'stale', 'behind', 'digest', 'diverged', 'storage'];

/** A message as JSON. */
export const encodeMessage = (message: Message): Uint8Array => utf8(JSON.stringify(message));

/**
 * Reads a message. Every field that this version knows must be what it should be; one that it doesn't know is a later version's, and passed
 * over. Throws `PEER_REFUSED`.
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const at = Fields.parse(bytes, 'message');
  const kind = at.text('kind');
  switch (kind) {
    case 'prepare':
      return { kind, entry: entryIn(at.child('entry')), head: headIn(at.child('head')) };
    case 'vote':
      return {
        kind,
        term: at.count('term'),
        attempt: at.count('attempt'),
        sequence: at.count('sequence'),
        digest: at.text('digest'),
      };
    case 'refuse': {
      const reason = REASONS.find((one) => one === at.text('reason'));
      if (reason === undefined) throw bad('message.reason');
      return { kind, reason, term: at.count('term'), attempt: at.count('attempt'), at: positionIn(at.child('at')) };
    }
    case 'outcome':
      return { kind, term: at.count('term'), head: headIn(at.child('head')), settled: at.count('settled') };
    case 'report':
      return { kind, term: at.count('term'), at: positionIn(at.child('at')), diverged: at.textOrNull('diverged') };
    case 'fetch':
      return { kind, from: positionIn(at.child('from')), head: headIn(at.child('head')) };
    case 'tail':
      return { kind, head: headOrNull(at), entries: at.list('entries').map((one) => entryIn(new Fields(one, 'entry'))) };
    case 'snapshot':
      return { kind, head: headOrNull(at), standing: standingIn(at.child('standing')) };
    case 'lacking':
      return { kind, head: headOrNull(at) };
    case 'parted':
      return { kind, head: headOrNull(at), from: positionIn(at.child('from')) };
    case 'stand':
      return { kind, term: at.count('term') };
    default:
      throw bad('message.kind');
  }
}

const bad = (where: string): KvError =>
  new KvError('PEER_REFUSED', `what a peer sent is no message of the protocol: ${where}`, { details: { reason: 'frame' } });

/** The fields of an object that another server has written. Whatever is not what it should be is `PEER_REFUSED`, which names it. */
export class Fields {
  private readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    private readonly path: string,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(path);
    this.fields = value as Readonly<Record<string, unknown>>; // an object, by the line above
  }

  /** Of bytes that are to be JSON. Throws `PEER_REFUSED`. */
  static parse(bytes: Uint8Array, path: string): Fields {
    let value: unknown;
    try {
      value = JSON.parse(decodeLoose(bytes));
    } catch {
      throw bad(path); // what is no JSON is no message either
    }
    return new Fields(value, path);
  }

  child(name: string): Fields {
    return new Fields(this.fields[name], `${this.path}.${name}`);
  }

  has(name: string): boolean {
    return (this.fields[name] ?? null) !== null;
  }

  flag(name: string): boolean {
    const value = this.fields[name];
    if (typeof value === 'boolean') return value;
    throw bad(`${this.path}.${name}`);
  }

  text(name: string): string {
    const value = this.fields[name];
    if (typeof value === 'string') return value;
    throw bad(`${this.path}.${name}`);
  }

  textOrNull(name: string): string | null {
    return this.has(name) ? this.text(name) : null;
  }

  /** A whole number, none below the least. */
  count(name: string, least = 0): number {
    const value = this.fields[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
    throw bad(`${this.path}.${name}`);
  }

  list(name: string): readonly unknown[] {
    const value = this.fields[name];
    if (Array.isArray(value)) return value as readonly unknown[];
    throw bad(`${this.path}.${name}`);
  }

  texts(name: string): readonly string[] {
    const list = this.list(name);
    if (list.every((one) => typeof one === 'string')) return list;
    throw bad(`${this.path}.${name}`);
  }
}

const positionIn = (at: Fields): Position => ({ sequence: at.count('sequence', -1), digest: at.text('digest') });

/** Where a server stands, as another says it. */
export const standingIn = (at: Fields): Standing => ({ ...positionIn(at), members: at.texts('members') });

const headIn = (at: Fields): Head => ({
  sequence: at.count('sequence'),
  term: at.count('term'),
  digest: at.text('digest'),
  members: at.texts('members'),
});

const headOrNull = (at: Fields): Head | null => (at.has('head') ? headIn(at.child('head')) : null);

/** An entry, as another server says it. */
function entryIn(at: Fields): Entry {
  return {
    id: at.text('id'),
    sequence: at.count('sequence'),
    term: at.count('term'),
    attempt: at.count('attempt'),
    before: at.text('before'),
    after: at.text('after'),
    updates: at.list('updates').map((one) => updateIn(new Fields(one, 'update'))),
    events: at.list('events').map((one) => eventIn(new Fields(one, 'event'))),
    members: at.texts('members'),
  };
}

function updateIn(at: Fields): RefUpdate {
  const ref = at.text('ref');
  const oid = (name: string): string | null => {
    const value = at.textOrNull(name);
    if (value === null || isAnyOid(value)) return value;
    throw bad(`update.${name}`);
  };
  if (!/^refs\/[^\s\p{Cc}]+$/u.test(ref)) throw bad('update.ref');
  return { ref, old: oid('old'), next: oid('next') };
}

function eventIn(at: Fields): WatchEvent {
  return {
    v: 1,
    ns: at.text('ns'),
    epoch: at.text('epoch'),
    oid: at.text('oid'),
    txn: at.text('txn'),
    received: at.text('received'),
    signer: at.text('signer'),
    set: at.count('set'),
    del: at.count('del'),
    parentEpoch: at.textOrNull('parentEpoch'),
  };
}
