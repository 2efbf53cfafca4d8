import { expect } from 'chai';
import { JournalPlace, openMemoryJournal } from '../../../../../adapters/journal-memory/open.js';
import { LockPlace, openMemoryLock } from '../../../../../adapters/lock-memory/open.js';
import { type CommitContext, commitRefs } from '../../../../../domain/gateway/commit/commit-refs.js';
import type { IntentRecord } from '../../../../../ports/stargate/journal.js';
import type { Lease } from '../../../../../ports/stargate/leader-lock.js';
import type { RefUpdate } from '../../../../../ports/vocabulary.js';
import { thrownBy } from '../../../../contracts/mirror-target.js';
import { memory, SeededRandomness, TestClock } from '../../../../support/memory/memory.js';

describe('a commit and its lease', () => {
  const place = new LockPlace();
  const journal = new JournalPlace();
  const { store, namer } = memory();
  const told: IntentRecord[] = [];
  const blob = namer.object('blob', new Uint8Array([1]));
  const update: RefUpdate = { ref: 'refs/heads/main', old: null, next: blob.oid };
  const context = (lease: Lease | null): CommitContext => ({
    ...{ store, namer, journal: openMemoryJournal(journal), clock: new TestClock(), randomness: new SeededRandomness() },
    lease: () => lease,
    failpoint: () => undefined,
    committed: (intent) => told.push(intent),
  });
  const acquired = async (): Promise<Lease> => {
    const lease = await openMemoryLock(place).acquire('gateway');
    if (lease === null) throw new Error('the lock was expected to be free');
    return lease;
  };
  const refused = async (lease: Lease | null): Promise<void> => {
    expect((await thrownBy(commitRefs(context(lease), [update], []))).code).to.equal('NOT_LEADER');
    expect(await store.refs(['refs/'])).to.have.property('size', 0);
    expect(journal.lines, 'not even an intent').to.deep.equal([]);
    expect(told).to.deep.equal([]);
  };

  before(() => store.write([blob]));

  it('moves nothing without a lease, nor with one that is no longer held', async () => {
    await refused(null);
    const taken = await acquired();
    place.depose();
    await refused(taken);
    const released = await acquired();
    await released.release();
    await refused(released);
  });

  it('moves the refs under a lease that is held, and writes its term down', async () => {
    const lease = await acquired();
    await commitRefs(context(lease), [update], []);
    expect((await store.refs(['refs/'])).get(update.ref)).to.equal(blob.oid);
    expect(told.map(({ term }) => term)).to.deep.equal([lease.term]);
    expect(journal.lines).to.have.length(2);
  });
});
