import { expect } from 'chai';
import { decodeMessage, encodeMessage } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { decodeLeaderRecord, encodeLeaderRecord, isReplicated } from '../../../../domain/gateway/replicate/wire/leader-ref.js';
import { chainTo, entryOf, intentOf } from '../../../../domain/gateway/replicate/intent-entry.js';
import { EntryHistory } from '../../../../domain/gateway/replicate/follower/entry-history.js';
import type { Entry } from '../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../domain/gateway/replicate/messages.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { KvError } from '../../../../ports/error.js';
import { memory } from '../../../support/memory.js';

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
});

describe('where a server of a cluster stands', () => {
  it('is kept in a blob, of which another version is refused', () => {
    const { namer } = memory();
    const record = { sequence: 7, term: 3, digest: 'ab', members: ['one'] };
    expect(decodeLeaderRecord(encodeLeaderRecord(namer, record).body)).to.deep.equal(record);
    for (const text of ['', '{}', '{"v":2,"sequence":7,"term":3,"digest":"ab","members":["one"]}', '{"v":1,"sequence":"7"}'])
      expect(() => decodeLeaderRecord(utf8(text)), text).to.throw(KvError);
  });

  it('counts the refs that all servers share, and no others', () => {
    for (const ref of ['refs/heads/a', 'refs/tags/t', 'refs/kv/main', 'refs/kv-watchlog/main@e', 'refs/kv-policy/current'])
      expect(isReplicated(ref), ref).to.equal(true);
    for (const ref of ['refs/kv-mirror/main', 'refs/kv-leader', 'refs/notes/x', 'HEAD'])
      expect(isReplicated(ref), ref).to.equal(false);
  });

  it('is told by the journal too: the entries that lead there without a gap', () => {
    const entries = [1, 2, 3, 4].map(entryAt);
    for (const entry of entries) expect(entryOf(intentOf(entry, 'now'))).to.deep.equal(entry);
    expect(entryOf({ kind: 'intent', id: 'x', term: 1, ts: 'now', updates: [], events: [] })).to.equal(null);
    const other = { ...entryAt(3), after: 'otherwise' };
    const chain = chainTo({ sequence: 4, digest: 'd4' }, [entries[0], entries[1], entries[2], other, entries[3]] as Entry[]);
    expect(chain).to.deep.equal(entries);
    expect(chainTo({ sequence: 4, digest: 'd4' }, [entries[0], entries[3]] as Entry[])).to.deep.equal([entries[3]]);
    expect(chainTo({ sequence: 4, digest: 'x' }, entries)).to.deep.equal([]);
  });

  it('gives what follows a position, or says that it is gone', () => {
    const history = new EntryHistory({ sequence: 2, digest: 'd2', members: [] }, [entryAt(2)]);
    history.add(entryAt(3));
    expect(history.from(1)).to.deep.include({ digestThere: 'd1', after: [entryAt(2), entryAt(3)] });
    expect(history.from(3)).to.deep.include({ digestThere: 'd3', after: [] });
    expect(history.from(0)).to.deep.include({ digestThere: null, after: null });
    expect(history.from(9)).to.deep.include({ digestThere: null, after: [] });
    for (let sequence = 4; sequence < 4500; sequence++) history.add(entryAt(sequence));
    expect(history.from(3)).to.deep.include({ digestThere: 'd3', after: null });
    expect(history.from(498).after).to.equal(null);
    expect(history.from(499).after).to.have.length(1000);
    expect(history.from(4298).after).to.have.length(201);
  });

  it('keeps fewer entries where each is large: what is behind for long costs no memory', () => {
    const history = new EntryHistory({ sequence: 0, digest: 'd0', members: [] });
    const ref = (at: number) => ({ ref: `refs/heads/${at}`, old: null, next: 'ab'.repeat(20) });
    const updates = Array.from({ length: 2000 }, (_, at) => ref(at));
    for (let sequence = 1; sequence <= 200; sequence++) history.add({ ...entryAt(sequence), updates });
    const kept = Array.from({ length: 200 }, (_, at) => at).filter((at) => history.from(at).after !== null).length;
    expect(kept).to.be.within(20, 50); // of 400 kB each
    expect(history.from(199).after).to.have.length(1);
    expect(history.from(190).after).to.have.length(10);
  });
});
