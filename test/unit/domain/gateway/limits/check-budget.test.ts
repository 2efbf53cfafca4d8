import { expect } from 'chai';
import { boundedStore } from '../../../../../domain/gateway/accept/bounded-store.js';
import { CheckBudget } from '../../../../../domain/gateway/limits/check-budget.js';
import { checkLimits } from '../../../../../domain/gateway/limits/check-limits.js';
import { KvError } from '../../../../../ports/error.js';
import { USUAL_LIMITS } from '../../../../../ports/stargate/limits.js';
import { memory } from '../../../../support/memory/memory.js';

/** Each push has 100 bytes to itself, and one at a time 1000 more. */
const MEMORY = { each: 100, large: 1000 };

/** What has come of promises so far, by name. */
function watched(): { readonly done: string[]; watch(name: string, promise: Promise<void> | undefined): void } {
  const done: string[] = [];
  return { done, watch: (name, promise) => void (promise ?? Promise.resolve()).then(() => done.push(name)) };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the memory in which pushes are checked', () => {
  it('is there at once for small ones, and one after the other for large ones, first come first served', async () => {
    const budget = new CheckBudget();
    const [one, two, three, small] = [budget.begin(MEMORY), budget.begin(MEMORY), budget.begin(MEMORY), budget.begin(MEMORY)];
    const { done, watch } = watched();
    watch('one', one.charge('trees', 900));
    watch('two', two.charge('trees', 900));
    watch('three', three.charge('trees', 900));
    expect(small.charge('trees', 100)).to.equal(undefined);
    await soon();
    expect(done).to.deep.equal(['one']);
    expect(one.charge('trees', 10), 'in place of what they took before').to.equal(undefined);
    expect(one.charge('manifests', 1000), 'it has its turn until it ends').to.equal(undefined);
    one.end();
    await soon();
    expect(done).to.deep.equal(['one', 'two']);
    three.end();
    two.end();
    const next = budget.begin(MEMORY);
    watch('next', next.charge('trees', 900));
    await soon();
    expect(done, 'one that ended while it waited keeps nobody').to.deep.equal(['one', 'two', 'three', 'next']);
  });

  it('is refused to a push that needs more than one may have', () => {
    const share = new CheckBudget().begin(MEMORY);
    void share.charge('trees', 1000);
    expect(share.charge('manifests', 100), 'all that one may have').to.be.instanceOf(Promise);
    const more = (): unknown => share.charge('manifests', 101);
    expect(more).to.throw(KvError, 'takes 1101 bytes to check, more than the 1100').with.property('code', 'POLICY_VIOLATION');
    expect(more).to.throw(KvError).with.deep.property('advice', { id: 'write-less' });
  });

  it('is shared out by the policy', () => {
    const limits = { ...USUAL_LIMITS, checkedBytes: 2000, pushes: 10 };
    expect(checkLimits(limits)).to.include({ each: 100, large: 1000 });
    expect(checkLimits({ ...limits, commitBytes: 7 }).objects).to.include({ commit: 7, tag: 7 });
  });

  it('is what objects are charged to, commits as long as the check goes on, and none is read that is too large', async () => {
    const { store, namer } = memory();
    const [small, large] = [namer.object('blob', new Uint8Array(60)), namer.object('blob', new Uint8Array(101))];
    const commit = namer.object('commit', new Uint8Array(20));
    await store.write([small, large, commit]);
    const charged: [string, number][] = [];
    const most = { commit: 50, tag: 50, tree: 100, blob: 100 };
    const bounded = boundedStore(store, most, { charge: (what, bytes) => void charged.push([what, bytes]) as undefined });
    for (const oids of [[small.oid, commit.oid], [commit.oid], [small.oid]]) await bounded.read(oids);
    expect(charged.filter(([what]) => what === 'commits').map(([, bytes]) => bytes)).to.deep.equal([60, 120, 120]);
    expect(charged.filter(([what]) => what !== 'commits')).to.deep.equal([
      ['request 0', 60],
      ['request 1', 0],
      ['request 0', 60],
    ]);
    let refused: unknown;
    await bounded.read([large.oid]).catch((error: unknown) => (refused = error));
    expect(KvError.is(refused) && refused.message).to.contain('has 101 bytes, more than the 100');
  });
});
