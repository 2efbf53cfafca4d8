import { expect } from 'chai';
import { openMemoryJournal, JournalPlace } from '../../../../../adapters/journal-memory/open.js';
import { refusedBy } from '../../../../../apps/stargate/cluster/replicate.js';
import { commitRefs, type CommitContext, leftRefsAlone, undecided } from '../../../../../domain/gateway/commit/commit-refs.js';
import { KvError } from '../../../../../ports/error.js';
import type { IntentRecord } from '../../../../../ports/stargate/journal.js';
import { commit, files } from '../../../../contracts/git-objects.js';
import { memory, SeededRandomness, TestClock } from '../../../../support/memory/memory.js';

const REF = 'refs/heads/a';

/** A commit of one ref in a cluster that answers so. */
async function place(replicate: NonNullable<CommitContext['replicate']>) {
  const { store, namer } = memory();
  const { root, objects } = files('sha1', { file: 'content' });
  const made = commit('sha1', { tree: root, time: 1 });
  const journal = new JournalPlace();
  const told: string[] = [];
  const context: CommitContext = {
    ...{ store, namer, journal: openMemoryJournal(journal), clock: new TestClock(), randomness: new SeededRandomness() },
    lease: () => ({
      ...{ term: 7, lost: new AbortController().signal, held: async () => true },
      release: async () => undefined,
    }),
    failpoint: () => undefined,
    replicate,
    committed: ({ id }) => void told.push(id),
  };
  const updates = [{ ref: REF, old: null, next: made.oid }];
  const attempt = () => commitRefs(context, updates, [], undefined, { objects: [...objects, made] });
  return { attempt, store, journal, told, oid: made.oid };
}

describe('a commit in a cluster', () => {
  it('is what the cluster decides, which keeps the journal and moves the refs itself', async () => {
    const asked: IntentRecord[] = [];
    const brought: string[] = [];
    const { attempt, store, journal, told, oid } = await place(async (intent, objects) => {
      asked.push(intent);
      brought.push(...objects.map((object) => object.oid));
    });
    expect(await attempt()).to.equal(true);
    expect(asked).to.have.length(1);
    expect(asked[0]).to.deep.include({ kind: 'intent', term: 7, updates: [{ ref: REF, old: null, next: oid }] });
    expect(told).to.deep.equal([asked[0]?.id]);
    expect(journal.lines).to.deep.equal([]);
    expect((await store.refs([REF])).size).to.equal(0); // here nobody has moved it
    expect(brought).to.have.length(3).and.include(oid);
    expect((await store.headers([oid]))[0]).to.equal(null); // its objects are stored by whoever was asked
  });

  it('that is refused has left the refs alone; of one in doubt nobody says so', async () => {
    const refused = undecided(refusedBy('no-quorum', '1 of 3'));
    const doubt = new KvError('IO_ERROR', 'nobody knows');
    for (const [error, alone] of [
      [refused, true],
      [doubt, false],
    ] as const) {
      const { attempt, told, journal } = await place(() => Promise.reject(error));
      const thrown: unknown = await attempt().catch((reason: unknown) => reason);
      expect(thrown).to.equal(error);
      expect(leftRefsAlone(thrown)).to.equal(alone);
      expect({ told, lines: journal.lines }).to.deep.equal({ told: [], lines: [] });
    }
    expect(refused.code).to.equal('BUSY');
    expect(refusedBy('not-leader', 'x')).to.include({ code: 'NOT_LEADER' });
  });
});
