import { expect } from 'chai';
import fc from 'fast-check';
import { fixedChunker } from '../../../../adapters/chunker-fixed/open.js';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import { decodeUtf8, utf8 } from '../../../../domain/git/bytes.js';
import { momentAt } from '../../../../domain/client/past/at.js';
import { blame } from '../../../../domain/client/history/blame.js';
import type { Clone } from '../../../../domain/client/clone/clone.js';
import { diffStates } from '../../../../domain/client/history/diff.js';
import { newEpoch } from '../../../../domain/client/epochs/new-epoch.js';
import type { Rollover } from '../../../../domain/client/epochs/rollover.js';
import { keyHistory } from '../../../../domain/client/history/history.js';
import { listKeys } from '../../../../domain/client/read/list.js';
import type { RequestedOperation } from '../../../../domain/client/write/operations.js';
import type { PutBack } from '../../../../domain/client/history/put-back.js';
import { readKeyAt } from '../../../../domain/client/history/read-at.js';
import { planRestore } from '../../../../domain/client/history/restore.js';
import { planRevert } from '../../../../domain/client/history/revert.js';
import { readChunks } from '../../../../domain/client/read/value.js';
import type { Receipt } from '../../../../domain/client/write/receipt.js';
import { write } from '../../../../domain/client/write/write.js';
import { KvError } from '../../../../ports/error.js';
import type { ObjectFormat, Oid } from '../../../../ports/vocabulary.js';
import { FORMATS, memory, NOW, SeededRandomness, TestClock } from '../../../support/memory/memory.js';
import { stubRemotes } from '../../../support/stub-remotes.js';
import { all } from '../../../support/all.js';
import { refusal } from '../../../support/failure.js';

const NS = 'main';
const FRESH = { readFrom: 'mirror', offline: false } as const;
/** Small enough that the tests' longer values lie in chunks. */
const MAX_INLINE = 8;

/** A clone in memory without any remote. */
function place(format: ObjectFormat = 'sha1'): { clone: Clone; clock: TestClock } {
  const { store } = memory(format);
  const clock = new TestClock();
  const never = async (): Promise<never> => {
    throw new Error('there is no remote');
  };
  const unsigned = async (): Promise<never> => {
    throw new KvError('CONFIG_INVALID', 'no signing key is configured');
  };
  const clone: Clone = {
    store,
    ...stubRemotes(() => new Error('there is no remote'), { remotes: { url: async () => null } }),
    config: { get: () => undefined, all: () => [], names: () => [], identity: async () => 'Ada <ada@example.org>' },
    clock,
    hasher: nodeHasher(),
    remoteName: 'origin',
    forWriting: async () => ({
      signer: { sign: unsigned },
      hasher: nodeHasher(),
      randomness: new SeededRandomness(clock.at % 0x7fffffff),
      chunkerFor: async () => fixedChunker(5),
    }),
    policyReader: never,
  };
  return { clone, clock };
}

type State = ReadonlyMap<string, string>;

const set = (key: string, text: string, ttl?: number): RequestedOperation => ({
  ...{ op: 'set', key, value: utf8(text), ctype: 'text/plain' },
  ...(ttl === undefined ? {} : { expiresAt: ttl }),
});

async function commit({ clone, clock }: ReturnType<typeof place>, operations: readonly RequestedOperation[]): Promise<Receipt> {
  clock.at += 2000;
  return write(clone, { ns: NS, operations, maxInline: MAX_INLINE });
}

async function roll({ clone, clock }: ReturnType<typeof place>, label: string): Promise<Rollover> {
  clock.at += 2000;
  return newEpoch(clone, NS, label);
}

async function apply(at: ReturnType<typeof place>, plan: PutBack): Promise<Receipt> {
  at.clock.at += 2000;
  return write(at.clone, { ns: NS, maxInline: MAX_INLINE, ...plan });
}

async function valueAt(clone: Clone, key: string, at: string): Promise<string | undefined> {
  const { value } = await readKeyAt(clone, { ns: NS, key, at, allowExpired: false, ...FRESH });
  if (value instanceof Uint8Array) return decodeUtf8(value);
  const parts: number[] = [];
  for await (const chunk of readChunks(clone, value)) parts.push(...chunk);
  return decodeUtf8(Uint8Array.from(parts));
}

async function stateAt(clone: Clone, at: string): Promise<Map<string, string | undefined>> {
  const state = new Map<string, string | undefined>();
  for await (const { key } of listKeys(clone, { ns: NS, prefix: '', long: false, allowExpired: false, at, ...FRESH })) {
    state.set(key, await valueAt(clone, key, at));
  }
  return state;
}

const KEYS = ['a', 'b/ü', 'cfg:c', 'cfg:d'];
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ key: fc.constantFrom(...KEYS), text: fc.string({ minLength: 1, maxLength: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ key: fc.constantFrom(...KEYS), text: fc.constant(null) }) },
  { weight: 1, arbitrary: fc.constant('epoch' as const) },
);

describe('time travel', () => {
  it('gives any state of a random past, in any epoch, by commit, transaction and time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), fc.nat(), async (steps, pick) => {
        const here = place();
        const { clone, clock } = here;
        const past: { commit: Oid; txn: string; time: number; state: State; key: string; op: 'set' | 'del' }[] = [];
        let state: State = new Map();
        let epochs = 0;
        for (const one of steps) {
          if (one === 'epoch') {
            if (past.length > 0) await roll(here, `e${epochs++}`);
            continue;
          }
          const { key, text } = one;
          const receipt = await commit(here, [text === null ? { op: 'del', key } : set(key, text)]);
          if (receipt.commit === null || receipt.txn === null) continue; // a deletion of what was not there
          const next = new Map(state);
          if (text === null) next.delete(key);
          else next.set(key, text);
          state = next;
          past.push({ commit: receipt.commit, txn: receipt.txn, time: clock.at, state, key, op: text === null ? 'del' : 'set' });
        }
        if (past.length === 0) return;
        for (const { commit, txn, time, state } of past) {
          for (const at of [commit, commit.slice(0, 16), txn, new Date(time + 1000).toISOString()])
            expect(await stateAt(clone, at)).to.deep.equal(state);
        }
        for (const key of KEYS) {
          const expected = past.filter((one) => one.key === key).map(({ txn, op }) => `${txn} ${op}`);
          const history = keyHistory(clone, { ns: NS, key, epochs: true, ...FRESH });
          if (expected.length === 0) expect((await refusal(all(history))).code).to.equal('NOT_FOUND');
          else expect((await all(history)).map(({ txn, op }) => `${txn} ${op}`)).to.deep.equal(expected.reverse());
        }
        const then = past[pick % past.length] as (typeof past)[number];
        const { changes } = await diffStates(clone, { ns: NS, from: then.commit, prefix: '', ...FRESH });
        for (const key of KEYS) {
          const change = changes.find((one) => one.key === key);
          const [before, after] = [then.state.get(key), state.get(key)];
          expect(change?.before?.size).to.equal(change === undefined || before === undefined ? undefined : utf8(before).length);
          if (change === undefined || change.change === 'rewritten') expect(before).to.equal(after);
          else expect(change.change).to.equal(before === undefined ? 'added' : after === undefined ? 'removed' : 'changed');
        }
        const live = (await all(blame(clone, { ns: NS, prefix: '', commits: true, ...FRESH }))).map(({ key, commit }) => [
          key,
          commit,
        ]);
        const last = (key: string) => past.filter((one) => one.key === key).at(-1)?.commit;
        expect(new Map(live as [string, Oid][])).to.deep.equal(new Map([...state.keys()].map((key) => [key, last(key)])));
        const restored = await apply(here, await planRestore(clone, { ns: NS, at: then.txn, keys: [], prefix: '' }));
        const now = restored.commit ?? (past.at(-1)?.commit as Oid);
        expect(await stateAt(clone, now)).to.deep.equal(then.state);
        if (restored.txn === null) return;
        await apply(here, await planRevert(clone, NS, restored.txn));
        expect(await stateAt(clone, new Date(clock.at + 5000).toISOString())).to.deep.equal(state);
      }),
      { numRuns: 60 },
    );
  });

  for (const format of FORMATS) {
    it(`goes back over two rollovers with a value in chunks (${format})`, async () => {
      const here = place(format);
      const { clone } = here;
      const long = 'a value that lies in chunks';
      const first = await commit(here, [set('big', long), set('small', '1')]);
      const kept = await commit(here, [set('kept', '1')]);
      await commit(here, [{ op: 'del', key: 'big' }]);
      await roll(here, 'two');
      await commit(here, [set('big', 'other')]);
      await roll(here, 'three');
      expect(await valueAt(clone, 'big', first.commit as Oid)).to.equal(long);
      const restored = await apply(here, await planRestore(clone, { ns: NS, at: first.txn as string, keys: ['big', 'small'] }));
      expect(restored).to.deep.include({ set: ['big'], del: [], epoch: 'three' });
      expect(restored.chunked[0]).to.include({ key: 'big', reused: 0 }); // cut again: the rollover had left the chunks behind
      expect(await valueAt(clone, 'big', restored.commit as Oid)).to.equal(long);
      // This time the epoch has the chunks, and the manifest alone is written.
      await commit(here, [{ op: 'del', key: 'big' }]);
      const again = await apply(here, await planRestore(clone, { ns: NS, at: restored.txn as string, keys: ['big'] }));
      expect(again).to.deep.include({ set: ['big'], chunked: [] });
      expect(await valueAt(clone, 'big', again.commit as Oid)).to.equal(long);
      // A transaction of an epoch that has ended, whose key lived on unchanged
      const undone = await apply(here, await planRevert(clone, NS, kept.txn as string));
      expect(undone).to.deep.include({ del: ['kept'], epoch: 'three' });
      const told: string[] = [];
      const request = { ns: NS, key: 'big', ...FRESH, onOlder: (epoch: string) => told.push(epoch) };
      expect((await all(keyHistory(clone, request))).map(({ op, size }) => [op, size])).to.deep.equal([
        ['set', long.length],
        ['del', null],
        ['set', long.length],
      ]);
      expect(told).to.deep.equal(['two']);
      expect(await all(keyHistory(clone, { ...request, key: 'small' }))).to.deep.equal([]); // lives on, and did not change
      expect(await all(keyHistory(clone, { ...request, epochs: true }))).to.have.length(6);
      expect(await all(keyHistory(clone, { ...request, epochs: true, limit: 4 }))).to.have.length(4);
    });
  }

  it('judges TTLs by the time asked for, and keeps those that have not passed', async () => {
    const here = place();
    const { clone, clock } = here;
    const soon = NOW + 60_000;
    const receipt = await commit(here, [set('k', 'short', soon)]);
    const at = (ms: number): Promise<string | undefined> => valueAt(clone, 'k', new Date(ms).toISOString());
    clock.at = soon + 3_600_000;
    expect(await at(soon - 1000)).to.equal('short');
    expect((await refusal(at(soon + 1000))).code).to.equal('EXPIRED');
    expect(await valueAt(clone, 'k', receipt.commit as Oid)).to.equal('short');
    const far = clock.at + 3_600_000;
    const lasting = await commit(here, [set('k', 'long', far)]);
    await commit(here, [set('k', 'none')]);
    const past = await planRestore(clone, { ns: NS, at: receipt.txn as string, keys: ['k'] });
    expect(past.operations[0]).not.to.have.property('expiresAt');
    const future = await planRestore(clone, { ns: NS, at: lasting.txn as string, keys: ['k'] });
    expect(future.operations[0]).to.include({ expiresAt: far, ctype: 'text/plain' });
  });

  it('says of a time that is yet to come that it gives the newest state, and of no other', async () => {
    const here = place();
    await commit(here, [set('k', 'v')]);
    const heard: string[] = [];
    const clone: Clone = { ...here.clone, onWarning: (text) => heard.push(text) };
    const times = [new Date(here.clock.at).toISOString(), '1s ago', new Date(here.clock.at + 60_000).toISOString()];
    for (const at of times) {
      heard.length = 0;
      await all(listKeys(clone, { ns: NS, prefix: '', long: false, allowExpired: false, at, ...FRESH })).catch(() => undefined);
      expect(heard.length, at).to.equal(at === times[2] ? 1 : 0);
    }
    expect(heard[0]).to.match(/^2\S+Z is yet to come: this is the newest state/);
    const plan = await planRestore(clone, { ns: NS, at: times[2] ?? '', keys: ['k'] });
    expect([heard.length, plan.warnings]).to.deep.equal([1, heard]);
    const receipt = await write(clone, { ns: NS, ...plan });
    expect(receipt.warnings.slice(0, 1)).to.deep.equal(heard);
  });

  it('reverts nothing when a key has changed since, and names all that did', async () => {
    const here = place();
    const { clone } = here;
    const receipt = await commit(here, [set('x', '1'), set('y', '1'), set('z', '1')]);
    await commit(here, [set('x', '2'), { op: 'del', key: 'z' }]);
    const error = await refusal(planRevert(clone, NS, receipt.txn as string));
    expect(error).to.include({ code: 'CAS_CONFLICT' });
    expect(error.details).to.deep.include({ keys: ['x', 'z'] });
    // The same value set again counts as a change: its TTL and its writer may be others.
    const second = await commit(here, [set('w', '1')]);
    await commit(here, [set('w', '1')]);
    expect((await refusal(planRevert(clone, NS, second.txn as string))).details).to.deep.include({ keys: ['w'] });
    // A key that changes between the plan and the write
    const third = await commit(here, [set('v', '1')]);
    const plan = await planRevert(clone, NS, third.txn as string);
    await commit(here, [set('v', '2')]);
    expect((await refusal(apply(here, plan))).code).to.equal('CAS_CONFLICT');
  });

  it('says what can be had of what it does not know', async () => {
    const here = place();
    const { clone } = here;
    const first = await commit(here, [set('k', '1')]);
    const rolled = await roll(here, 'two');
    const at = (text: string): Promise<unknown> => momentAt(clone, NS, text, FRESH);
    expect((await refusal(at('2001-01-01'))).hint).to.contain(`oldest that can be had is ${first.commit?.slice(0, 12)}`);
    expect((await refusal(at('01ARZ3NDEKTSV4RRFFQ69G5FAV'))).code).to.equal('NOT_FOUND');
    expect((await refusal(at('f'.repeat(40)))).code).to.equal('NOT_FOUND');
    for (const text of ['', 'abc', 'tomorrow', '2026-13-01', 'f'.repeat(41)])
      expect((await refusal(at(text))).code).to.equal('USAGE');
    expect((await refusal(planRevert(clone, NS, rolled.txn))).code).to.equal('USAGE');
    expect((await refusal(planRestore(clone, { ns: NS, at: rolled.txn, keys: ['nowhere'] }))).code).to.equal('NOT_FOUND');
    // An archive that was dropped
    const ref = `refs/kv-archive/${NS}@${rolled.parentEpoch}`;
    const archive = (await clone.store.refs([ref])).get(ref) as Oid;
    await clone.store.updateRefs([{ ref, old: archive, next: null }], 'test');
    expect((await refusal(at(first.txn as string))).hint).to.contain('compacted away');
    // An archive that is another ledger's
    await clone.store.updateRefs([{ ref, old: null, next: rolled.commit }], 'test');
    expect((await refusal(at(first.txn as string))).code).to.equal('NOT_FOUND');
    const foreign = await commit(here, [set('k', '9')]);
    await clone.store.updateRefs([{ ref, old: rolled.commit, next: foreign.commit as Oid }], 'test');
    expect((await refusal(at(first.txn as string))).code).to.equal('ATTESTATION_MISMATCH');
  });
});
