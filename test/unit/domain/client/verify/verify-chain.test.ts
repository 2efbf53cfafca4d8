import { expect } from 'chai';
import type { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { encodeCommit, stamp } from '../../../../../domain/git/commit.js';
import type { ObjectNamer } from '../../../../../domain/git/object.js';
import { attested, readChain } from '../../../../../domain/verify/attestation/chain.js';
import { about, attempt, type Fault, faultOf, throwFault, wrongKey } from '../../../../../domain/verify/fault.js';
import { KvError } from '../../../../../ports/error.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { memory, NOW } from '../../../../support/memory/memory.js';

const REF = 'refs/kv/main';

describe("the chain of a ref's commits", () => {
  let store: GitMemoryStore;
  let namer: ObjectNamer;
  beforeEach(() => {
    ({ store, namer } = memory());
  });

  async function commit(message: string, ...parents: Oid[]): Promise<Oid> {
    const ident = stamp('Ada <ada@example.org>', NOW);
    const fields = { tree: namer.emptyTree(), parents, author: ident, committer: ident, signature: null, message };
    const object = namer.object('commit', encodeCommit(fields, 'sha1'));
    await store.write([object]);
    return object.oid;
  }

  async function chain(length: number): Promise<Oid[]> {
    const made: Oid[] = [];
    for (let number = 0; number < length; number++) made.push(await commit(`${number}\n`, ...made.slice(-1)));
    return made;
  }

  async function read(request: Omit<Parameters<typeof readChain>[2], 'ref' | 'limit'> & { limit?: number }) {
    const faults: Fault[] = [];
    const links = await readChain(store, (fault) => faults.push(fault), { ref: REF, limit: 10, ...request });
    return { oids: links.map(({ oid }) => oid), faults: faults.map(({ code, subject }) => [code, subject.ref, subject.commit]) };
  }
  const forbidden = (oid: Oid | undefined) => [['REF_FORBIDDEN', REF, oid]];

  it('is read oldest first, from behind the old tip or from the beginning', async () => {
    const [a = '', b = '', c = ''] = await chain(3);
    expect(await read({ old: null, next: c })).to.deep.equal({ oids: [a, b, c], faults: [] });
    expect(await read({ old: a, next: c })).to.deep.equal({ oids: [b, c], faults: [] });
    expect(await read({ old: c, next: c })).to.deep.equal({ oids: [], faults: [] });
  });

  it('ends at the old tip, or is no fast-forward', async () => {
    const [a = '', b = ''] = await chain(2);
    const aside = await commit('aside\n');
    expect(await read({ old: aside, next: b })).to.deep.equal({ oids: [a, b], faults: forbidden(b) });
  });

  it('has as many commits as the limit, and not one more', async () => {
    const made = await chain(4);
    const next = made.at(-1) ?? '';
    expect(await read({ old: null, next, limit: 4 })).to.deep.equal({ oids: made, faults: [] });
    expect(await read({ old: null, next, limit: 3 })).to.deep.equal({ oids: made.slice(1), faults: forbidden(next) });
  });

  it('breaks at a merge, at what is missing, and at what is no commit, and gives what is newer', async () => {
    const [a = '', b = ''] = await chain(2);
    const merge = await commit('merge\n', b, a);
    expect(await read({ old: a, next: merge })).to.deep.equal({ oids: [b, merge], faults: forbidden(merge) });
    const gone = 'f'.repeat(40);
    const orphan = await commit('orphan\n', gone);
    expect(await read({ old: null, next: orphan })).to.deep.equal({ oids: [orphan], faults: forbidden(gone) });
    const blob = namer.object('blob', new Uint8Array(0));
    const damaged = namer.object('commit', new Uint8Array(3));
    await store.write([blob, damaged]);
    expect(await read({ old: null, next: blob.oid })).to.deep.equal({ oids: [], faults: forbidden(blob.oid) });
    const unread = await read({ old: null, next: damaged.oid });
    expect([unread.oids, unread.faults.map(([, ref, oid]) => [ref, oid])]).to.deep.equal([[], [[REF, damaged.oid]]]);
  });

  it('tells of its progress after every thousand commits', async () => {
    const made = await chain(1001);
    const told: number[] = [];
    const next = made.at(-1) ?? '';
    const { oids } = await read({ old: null, next, limit: 5000, onProgress: (count) => told.push(count) });
    expect([oids.length, told]).to.deep.equal([1001, [1000]]);
  });

  it('says of a commit whose message cannot be read which one that is', async () => {
    const [a = '', b = ''] = await chain(2);
    const links = await readChain(store, throwFault, { ref: REF, old: null, next: b, limit: 10 });
    const faults: Fault[] = [];
    const found = attested(
      (fault) => faults.push(fault),
      REF,
      links,
      (message) => {
        if (message.startsWith('0')) throw new KvError('FORMAT_UNSUPPORTED', 'not this one');
        return message;
      },
    );
    expect(found.map(({ oid, trailers }) => [oid, trailers])).to.deep.equal([
      [a, null],
      [b, '1\n'],
    ]);
    expect(faults).to.deep.equal([{ code: 'FORMAT_UNSUPPORTED', message: 'not this one', subject: { ref: REF, commit: a } }]);
  });
});

describe('faults', () => {
  const fault: Fault = {
    ...{ code: 'POLICY_VIOLATION', message: 'too large', hint: 'make it smaller', advice: { id: 'store-file' } },
    ...{ subject: { key: 'k' }, facts: { size: 3, limit: 2 } },
  };
  const thrownBy = (one: Fault): KvError => {
    try {
      throwFault(one);
    } catch (error) {
      if (KvError.is(error)) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  };

  it('are thrown with all that they say, and nothing else', () => {
    const { code, message, hint, advice, details } = thrownBy(fault);
    expect({ code, message, hint, advice, details }).to.deep.equal({
      ...{ code: 'POLICY_VIOLATION', message: 'too large', hint: 'make it smaller', advice: { id: 'store-file' } },
      details: { key: 'k', size: 3, limit: 2 },
    });
    const bare = thrownBy({ code: 'GIT_ERROR', message: 'no more', subject: {} });
    expect([bare.hint, bare.advice, bare.details]).to.deep.equal([undefined, undefined, undefined]);
  });

  it('are made of what was thrown, but for bugs, which are thrown on', () => {
    expect(faultOf(thrownBy(fault), { commit: 'c' })).to.deep.equal({
      ...fault,
      subject: { commit: 'c' },
      facts: { key: 'k', size: 3, limit: 2 },
    });
    expect(faultOf(new KvError('GIT_ERROR', 'no more'))).to.deep.equal({ code: 'GIT_ERROR', message: 'no more', subject: {} });
    const bug = new TypeError('x is not a function');
    expect(() => faultOf(bug)).to.throw(bug);
  });

  it('gain a subject on their way, and keep their own', () => {
    const faults: Fault[] = [];
    const emit = about((one) => faults.push(one), { epoch: '2026Q1', key: 'other' });
    emit(fault);
    expect(faults).to.deep.equal([{ ...fault, subject: { epoch: '2026Q1', key: 'k' } }]);
    expect(attempt(emit, {}, () => 7)).to.equal(7);
    expect(wrongKey('k', 'why').subject).to.deep.equal({ key: 'k' });
    expect(wrongKey('k', 'why', 'oid').subject).to.deep.equal({ key: 'k', object: 'oid' });
  });
});
