import { expect } from 'chai';
import { decodeMessage, encodeMessage, Fields } from '../../../../../domain/gateway/replicate/wire/message-codec.js';
import { decodeLeaderRecord, encodeLeaderRecord, isReplicated } from '../../../../../domain/gateway/replicate/wire/leader-ref.js';
import type { Entry } from '../../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../../domain/gateway/replicate/messages.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { KvError } from '../../../../../ports/error.js';
import { memory } from '../../../../support/memory/memory.js';

const entryAt = (sequence: number): Entry => ({
  ...{ id: `id${sequence}`, sequence, term: 3, attempt: 2, before: `d${sequence - 1}`, after: `d${sequence}` },
  updates: [{ ref: 'refs/heads/ä', old: null, next: 'ab'.repeat(20) }],
  events: [
    {
      ...{ v: 1, ns: 'main', epoch: 'e', oid: 'ab'.repeat(20), txn: 't', received: 'now', signer: 'ada' },
      ...{ set: 1, del: 0, parentEpoch: null },
    },
  ],
  members: ['one', 'two'],
});
const head = { sequence: 7, term: 3, digest: 'd7', members: ['one', 'two'] };
const at = { sequence: -1, digest: '' };

const MESSAGES: readonly Message[] = [
  { kind: 'prepare', entry: entryAt(8), head },
  { kind: 'vote', term: 3, attempt: 2, sequence: 8, digest: 'd8' },
  { kind: 'refuse', reason: 'behind', term: 3, attempt: 2, at },
  { kind: 'outcome', term: 3, head, settled: 2 },
  { kind: 'report', term: 3, at, diverged: null },
  { kind: 'report', term: 3, at, diverged: 'by hand' },
  { kind: 'fetch', from: at, head },
  { kind: 'tail', head: null, entries: [entryAt(1), entryAt(2)] },
  { kind: 'snapshot', head, standing: { sequence: 7, digest: 'd7', members: [] } },
  { kind: 'lacking', head },
  { kind: 'parted', head: null, from: at },
  { kind: 'stand', term: 3 },
];

const isRefused = (text: string): boolean => {
  try {
    decodeMessage(utf8(text));
    return false;
  } catch (error) {
    return KvError.is(error) && error.code === 'PEER_REFUSED' && error.details?.['reason'] === 'frame';
  }
};

describe('what servers of a cluster say to each other', () => {
  it('is read as it was written, with fields of a later version passed over', () => {
    for (const message of MESSAGES) {
      expect(decodeMessage(encodeMessage(message))).to.deep.equal(message);
      const later = JSON.stringify({ ...message, later: { than: 'this' } });
      expect(decodeMessage(utf8(later))).to.deep.equal(message);
    }
  });

  it('is refused by name where a field is missing, or is what it must not be', () => {
    for (const message of MESSAGES)
      for (const field of Object.keys(message)) {
        const { [field]: _, ...rest } = message as unknown as Record<string, unknown>;
        const mayMiss =
          field === 'diverged' || (field === 'head' && ['tail', 'snapshot', 'lacking', 'parted'].includes(message.kind));
        expect(isRefused(JSON.stringify(rest)), `${message.kind} without ${field}`).to.equal(!mayMiss);
        expect(isRefused(JSON.stringify({ ...message, [field]: { odd: [] } })), `${message.kind} with an odd ${field}`).to.equal(
          true,
        );
      }
    for (const text of ['', '{', 'null', '[]', '7', '{"kind":"__proto__"}']) expect(isRefused(text), text).to.equal(true);
    const entry = (change: object): string => JSON.stringify({ kind: 'prepare', head, entry: { ...entryAt(8), ...change } });
    expect(isRefused(entry({}))).to.equal(false);
    expect(isRefused(entry({ updates: [{ ref: 'refs/heads/a\nb', old: null, next: null }] }))).to.equal(true);
    expect(isRefused(entry({ updates: [{ ref: '--exec=x', old: null, next: null }] }))).to.equal(true);
    expect(isRefused(entry({ updates: [{ ref: 'refs/heads/a', old: null, next: 'HEAD' }] }))).to.equal(true);
    expect(isRefused(entry({ sequence: 1.5 }))).to.equal(true);
    expect(isRefused(entry({ members: [7] }))).to.equal(true);
  });

  it('is refused by the name of the field, wherever it lies', () => {
    const [update, event] = [entryAt(8).updates[0], entryAt(8).events[0]];
    const entry = (change: object): object => ({ kind: 'prepare', head, entry: { ...entryAt(8), ...change } });
    const oid = (next: string, name = 'next'): object => entry({ updates: [{ ...update, [name]: next }] });
    const hex = 'ab'.repeat(20);
    for (const [field, message] of [
      ['message', []],
      ['message.kind', { kind: 'x' }],
      ['message.term', { kind: 'stand', term: '3' }],
      ['message.term', { kind: 'stand', term: -1 }],
      ['message.reason', { kind: 'refuse', reason: 'x', term: 3, attempt: 2, at }],
      ['message.entry', { kind: 'prepare', head }],
      ['message.entry.id', entry({ id: 7 })],
      ['message.entry.updates', entry({ updates: {} })],
      ['message.entry.members', entry({ members: ['a', 7] })],
      ['entry.sequence', { kind: 'tail', head, entries: [{ ...entryAt(1), sequence: null }] }],
      ['entry', { kind: 'tail', head, entries: [7] }],
      ['update', entry({ updates: [7] })],
      ['update.ref', entry({ updates: [{ ...update, ref: 'x/refs/heads/a' }] })],
      ['update.ref', entry({ updates: [{ ...update, ref: 'refs/' }] })],
      ['update.next', oid(`x${hex}`)],
      ['update.next', oid(`${hex}x`)],
      ['update.next', oid(`${hex}a`)],
      ['update.next', oid('z'.repeat(64))],
      ['update.old', oid(`x${hex}`, 'old')],
      ['event', entry({ events: [7] })],
      ['event.set', entry({ events: [{ ...event, set: -1 }] })],
      ['event.parentEpoch', entry({ events: [{ ...event, parentEpoch: 7 }] })],
    ] as const)
      expect(() => decodeMessage(utf8(JSON.stringify(message))), field).to.throw(KvError, new RegExp(`: ${field}$`));
    expect(() => decodeMessage(utf8('{'))).to.throw(KvError, /: message$/);
  });

  it('names objects of either format, and epochs that lead from another', () => {
    const entry = { ...entryAt(8), updates: [{ ref: 'refs/kv/main', old: 'cd'.repeat(32), next: null }] };
    const [event] = entry.events;
    const message = { kind: 'prepare', head, entry: { ...entry, events: [{ ...event, parentEpoch: 'e1' }] } } as Message;
    expect(decodeMessage(encodeMessage(message))).to.deep.equal(message);
  });

  it('has flags in what is built of the same fields', () => {
    expect([true, false].map((on) => new Fields({ on }, 'x').flag('on'))).to.deep.equal([true, false]);
    expect(() => new Fields({ on: 1 }, 'x').flag('on')).to.throw(KvError, /: x\.on$/);
  });
});

describe('where a server of a cluster stands', () => {
  it('is kept in a blob, of which another version is refused', () => {
    const { namer } = memory();
    const record = { sequence: 7, term: 3, digest: 'ab', members: ['one'] };
    expect(decodeLeaderRecord(encodeLeaderRecord(namer, record).body)).to.deep.equal(record);
    const odd = [
      { v: 2 },
      { sequence: '7' },
      { term: 1.5 },
      { digest: 7 },
      { members: 'one' },
      { members: [7] },
      { members: ['one', 7] },
    ];
    const texts = odd.map((change) => JSON.stringify({ v: 1, ...record, ...change }));
    for (const text of ['', '{}', 'null', '7', '"text"', ...texts])
      expect(() => decodeLeaderRecord(utf8(text)), text)
        .to.throw(KvError)
        .with.property('code', 'FORMAT_UNSUPPORTED');
  });

  it('counts the refs that all servers share, and no others', () => {
    for (const ref of ['refs/heads/a', 'refs/tags/t', 'refs/kv/main', 'refs/kv-watchlog/main@e', 'refs/kv-policy/current'])
      expect(isReplicated(ref), ref).to.equal(true);
    for (const ref of ['refs/kv-mirror/main', 'refs/kv-leader', 'refs/notes/x', 'HEAD'])
      expect(isReplicated(ref), ref).to.equal(false);
  });
});
