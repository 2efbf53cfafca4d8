import { expect } from 'chai';
import type { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { JournalPlace, openMemoryJournal } from '../../../../../adapters/journal-memory/open.js';
import { type CommitContext, commitRefs, leftRefsAlone } from '../../../../../domain/gateway/commit/commit-refs.js';
import { readJournal, recover } from '../../../../../domain/gateway/commit/recover.js';
import { shortenJournal } from '../../../../../domain/gateway/commit/shorten-journal.js';
import type { ObjectNamer } from '../../../../../domain/git/object.js';
import { appendEvents, decodeEvent } from '../../../../../domain/ledger/transaction/watchlog.js';
import { decodeCommit } from '../../../../../domain/git/commit.js';
import { KvError } from '../../../../../ports/error.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { AppendOptions, IntentRecord, Journal, JournalRecord } from '../../../../../ports/stargate/journal.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../../../ports/vocabulary.js';
import { memory, SeededRandomness, TestClock } from '../../../../support/memory/memory.js';

const [LEDGER, INDEX, LOG] = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-watchlog/main@2026Q1'];

const event = (number: number): WatchEvent => ({
  ...{ v: 1, ns: 'main', epoch: '2026Q1', oid: 'ab'.repeat(20), txn: String(number).padStart(26, '0') },
  ...{ received: '2026-01-02T03:04:05.678Z', signer: 'ada', set: number, del: 0, parentEpoch: null },
});

/** A store, a journal, and what a commit was seen to do to both. */
interface Bench {
  readonly store: GitMemoryStore;
  readonly namer: ObjectNamer;
  readonly journal: Journal;
  readonly appended: (AppendOptions & { readonly kind: JournalRecord['kind'] })[];
  readonly committed: IntentRecord[];
  /** What is in the store under some ref or none: a commit whose name the number decides. */
  commit(number: number): Promise<Oid>;
  context(changes?: Partial<CommitContext>): CommitContext;
}

async function bench(): Promise<Bench> {
  const { store, namer } = memory();
  const inner = await openMemoryJournal(new JournalPlace());
  const appended: Bench['appended'] = [];
  const journal: Journal = {
    capabilities: inner.capabilities,
    append: async (record, options = {}) => {
      appended.push({ kind: record.kind, ...options });
      await inner.append(record, options);
    },
    replay: () => inner.replay(),
    rewrite: (records) => inner.rewrite(records),
    close: () => inner.close(),
  };
  const committed: IntentRecord[] = [];
  return {
    ...{ store, namer, journal, appended, committed },
    async commit(number) {
      const [object] = appendEvents(namer, null, [event(number)]);
      if (object === undefined) throw new Error('one event is one commit');
      await store.write([object]);
      return object.oid;
    },
    context: (changes = {}) => ({
      ...{ store, namer, journal, clock: new TestClock(), randomness: new SeededRandomness() },
      lease: () => ({ term: 7, lost: new AbortController().signal, held: async () => true, release: async () => undefined }),
      failpoint: () => undefined,
      committed: (intent) => void committed.push(intent),
      ...changes,
    }),
  };
}

const thrown = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};
const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  const error = await thrown(work);
  return KvError.is(error) ? error.code : error;
};

/** The store, but that its ref transaction fails, after it has moved the first `moved` refs, as a broken disk may do. */
function breaking(store: GitMemoryStore, moved: number): GitStore {
  let broken = false;
  return new Proxy<GitStore>(store, {
    get(target, name) {
      if (name === 'updateRefs' && !broken) {
        return async (updates: readonly RefUpdate[], reason: string) => {
          broken = true;
          if (moved > 0) await store.updateRefs(updates.slice(0, moved), reason);
          throw new KvError('IO_ERROR', 'the disk is gone');
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function kinds(journal: Journal): Promise<string[]> {
  const found: string[] = [];
  for await (const record of journal.replay()) found.push(record.kind);
  return found;
}

describe('the commit step', () => {
  it('has landed when the refs have moved, whether or not the journal has room to say so', async () => {
    const { store, journal, committed, commit, context } = await bench();
    const next = await commit(1);
    let full = true;
    const without: Journal = {
      ...journal,
      append: (record, options) =>
        full && record.kind === 'done' ? Promise.reject(new KvError('STORAGE_FULL', 'full')) : journal.append(record, options),
    };
    expect(await commitRefs(context({ journal: without }), [{ ref: LEDGER, old: null, next }], [event(1)])).to.equal(false);
    expect([(await store.refs([LEDGER])).get(LEDGER), committed.length]).to.deep.equal([next, 1]);
    expect((await recover(store, journal)).report, 'before anything else').to.deep.equal({ rolledForward: 1, rolledBack: 0 });
    full = false;
    const after = { ref: LEDGER, old: next, next: await commit(2) };
    expect(await commitRefs(context({ journal: without }), [after], [event(2)])).to.equal(true);
  });

  it('writes the intent, moves refs and watchlog, writes the outcome, and tells of it', async () => {
    const at = await bench();
    const updates = [{ ref: LEDGER, old: null, next: await at.commit(1) }];
    const steps: string[] = [];
    const failpoint: CommitContext['failpoint'] = (name): void =>
      void steps.push(`${name} ${at.appended.length} ${at.committed.length}`);
    await commitRefs(at.context({ failpoint }), updates, [event(1), event(2)]);
    expect(steps).to.deep.equal([
      'after-objects 0 0',
      'before-intent 0 0',
      'after-intent 1 0',
      'after-refs 1 0',
      'after-done 2 0',
    ]);
    expect(at.appended).to.deep.equal([{ kind: 'intent' }, { kind: 'done', sync: false }]);
    const [intent] = at.committed;
    expect([intent?.term, intent?.ts, intent?.events.length]).to.deep.equal([7, '2026-01-02T03:04:05.678Z', 2]);
    const refs = await at.store.refs(['refs/']);
    expect(intent?.updates).to.deep.equal([...updates, { ref: LOG, old: null, next: refs.get(LOG) }]);
    await commitRefs(at.context(), [], [event(3)]);
    const messages: number[] = [];
    for (let oid = (await at.store.refs([LOG])).get(LOG); oid !== undefined; ) {
      const [object] = await at.store.read([oid]);
      const commit = decodeCommit(object?.body ?? new Uint8Array(), oid, 'sha1');
      messages.push(decodeEvent(commit.message, oid).set);
      oid = commit.parents[0];
    }
    expect(messages, 'both events, and the next one on top').to.deep.equal([3, 2, 1]);
  });

  it('asks for the lease, and writes nothing without it', async () => {
    const at = await bench();
    const updates = [{ ref: LEDGER, old: null, next: await at.commit(1) }];
    const lost = { term: 7, lost: new AbortController().signal, held: async () => false, release: async () => undefined };
    for (const lease of [null, lost]) {
      expect(await codeOf(commitRefs(at.context({ lease: () => lease }), updates, []))).to.equal('NOT_LEADER');
    }
    expect(at.appended).to.deep.equal([]);
    expect((await at.store.refs(['refs/'])).size).to.equal(0);
  });

  it('undoes an intent of which no ref has moved, and says that nothing needs mending', async () => {
    const at = await bench();
    const updates = [{ ref: LEDGER, old: null, next: await at.commit(1) }];
    const error = await thrown(commitRefs(at.context({ store: breaking(at.store, 0) }), updates, []));
    expect(KvError.is(error) && error.code).to.equal('IO_ERROR');
    expect(leftRefsAlone(error)).to.equal(true);
    for (const other of [new KvError('IO_ERROR', 'another'), null, undefined, 'text']) {
      expect(leftRefsAlone(other), String(other)).to.equal(false);
    }
    expect(at.appended).to.deep.equal([{ kind: 'intent' }, { kind: 'aborted' }]);
    expect(at.committed).to.deep.equal([]);
  });

  it('goes forward when the transaction broke in the middle', async () => {
    const at = await bench();
    const updates = [
      { ref: LEDGER, old: null, next: await at.commit(1) },
      { ref: INDEX, old: null, next: await at.commit(2) },
    ];
    await commitRefs(at.context({ store: breaking(at.store, 1) }), updates, []);
    expect([...(await at.store.refs(['refs/']))].sort()).to.deep.equal(updates.map(({ ref, next }) => [ref, next]).sort());
    expect(at.appended.map(({ kind }) => kind)).to.deep.equal(['intent', 'done']);
    expect(at.committed).to.have.length(1);
  });
});

describe('recovery from the journal', () => {
  const intent = (id: string, updates: readonly RefUpdate[]): IntentRecord => ({
    ...{ kind: 'intent', id, term: 1, ts: '2026-01-02T03:04:05.678Z', updates, events: [] },
  });

  it('completes what has begun to move, undoes what has not, and gives what the mirror lacks, oldest first', async () => {
    const at = await bench();
    const [a, b, c] = [await at.commit(1), await at.commit(2), await at.commit(3)];
    const finished = intent('01', [{ ref: 'refs/kv/old', old: null, next: c }]);
    const begun = intent('02', [
      { ref: LEDGER, old: null, next: a },
      { ref: INDEX, old: null, next: b },
    ]);
    // What the intent leaves as it is says nothing of whether it has begun.
    const unbegun = intent('03', [
      { ref: LEDGER, old: a, next: a },
      { ref: 'refs/kv/other', old: null, next: b },
    ]);
    for (const record of [finished, { kind: 'done', id: '01' } as const, begun, unbegun]) await at.journal.append(record);
    await at.store.updateRefs([{ ref: LEDGER, old: null, next: a }], 'half');
    const { report, unmirrored } = await recover(at.store, at.journal);
    expect(report).to.deep.equal({ rolledForward: 1, rolledBack: 1 });
    expect(unmirrored.map(({ id }) => id)).to.deep.equal(['01', '02']);
    expect([...(await at.store.refs(['refs/']))].sort()).to.deep.equal(
      [
        [INDEX, b],
        [LEDGER, a],
      ].sort(),
    );
    expect(await kinds(at.journal)).to.deep.equal(['intent', 'done', 'intent', 'intent', 'done', 'aborted']);
    expect((await recover(at.store, at.journal)).report, 'once').to.deep.equal({ rolledForward: 0, rolledBack: 0 });
  });

  it('refuses to guess when a ref is at neither end', async () => {
    const at = await bench();
    const [a, b, c] = [await at.commit(1), await at.commit(2), await at.commit(3)];
    const moves = [
      { ref: LEDGER, old: null, next: a },
      { ref: INDEX, old: null, next: b },
    ];
    await at.journal.append(intent('01', moves));
    const there = [
      { ref: LEDGER, old: null, next: a },
      { ref: INDEX, old: null, next: c },
    ];
    await at.store.updateRefs(there, 'astray');
    expect(await codeOf(recover(at.store, at.journal))).to.equal('GIT_ERROR');
    expect((await at.store.refs([INDEX])).get(INDEX)).to.equal(c);
    expect(await kinds(at.journal)).to.deep.equal(['intent']);
  });

  it('forgets what is mirrored, up to and with the intent that the record names', async () => {
    const at = await bench();
    const ts = '2026-01-02T03:04:05.678Z';
    for (const id of ['01', '02', '03', '04']) {
      await at.journal.append(intent(id, []));
      await at.journal.append({ kind: id === '02' ? 'aborted' : 'done', id });
    }
    const names = async (): Promise<string[]> => (await readJournal(at.journal)).unmirrored.map(({ id }) => id);
    expect(await names()).to.deep.equal(['01', '03', '04']);
    await at.journal.append({ kind: 'mirrored', id: '03', ts });
    expect(await names()).to.deep.equal(['04']);
    await at.journal.append({ kind: 'mirrored', id: '01', ts });
    await at.journal.append({ kind: 'done', id: 'never begun' });
    expect(await names(), 'what is told again or unknown changes nothing').to.deep.equal(['04']);
    const { open, records } = await readJournal(at.journal);
    expect([open.length, records]).to.deep.equal([0, 11]);
  });

  it('is not disturbed by a shortened journal, which keeps what waits and what is open', async () => {
    const at = await bench();
    const fill = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number++) {
        const id = String(number).padStart(26, '0');
        await at.journal.append(intent(id, []));
        await at.journal.append({ kind: 'done', id });
      }
    };
    await fill(0, 499);
    await at.journal.append(intent('open', []));
    expect(await shortenJournal(at.journal, () => false), '999 are left alone').to.deep.equal({ before: 999, after: 999 });
    await at.journal.append({ kind: 'mirrored', id: String(490).padStart(26, '0'), ts: 'now' });
    const skipped = String(495).padStart(26, '0');
    expect(await shortenJournal(at.journal, (id) => id !== skipped)).to.deep.equal({ before: 1000, after: 15 });
    const { open, unmirrored } = await readJournal(at.journal);
    expect(open.map(({ id }) => id)).to.deep.equal(['open']);
    expect(unmirrored.map(({ id }) => Number(id))).to.deep.equal([491, 492, 493, 494, 496, 497, 498]);
  });
});
