import { expect } from 'chai';
import { type Entry, movesOf } from '../../../../../domain/gateway/replicate/entry.js';
import { movesLeft, refsOf, shownOf } from '../../../../../domain/gateway/replicate/follower/run.js';
import { TipsDigest } from '../../../../../domain/gateway/replicate/tips-digest.js';
import { openMemoryJournal, JournalPlace } from '../../../../../adapters/journal-memory/open.js';
import { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { nodeHasher } from '../../../../../adapters/hasher-node/open.js';
import { ReplicaDisk } from '../../../../../apps/stargate/cluster/member/replica-disk.js';
import { ObjectNamer } from '../../../../../domain/git/object.js';
import { KvError } from '../../../../../ports/error.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { Journal } from '../../../../../ports/stargate/journal.js';
import type { Oid, RefName, RefUpdate } from '../../../../../ports/vocabulary.js';
import { blob } from '../../../../contracts/git-objects.js';
import { refusal } from '../../../../support/failure.js';
import { SILENT } from '../../../../support/silent-log.js';
import { TestClock } from '../../../../support/memory/memory.js';

const digest = new TipsDigest(nodeHasher());
const MEMBERS = ['a', 'b', 'c'];
const [A, B, C] = ['refs/heads/a', 'refs/heads/b', 'refs/heads/c'] as const;
const oids = ['0', '1', '2', '3', '4'].map((content) => blob('sha1', content).oid) as [Oid, Oid, Oid, Oid, Oid];
/** What each entry of a history moves: refs that it alone moves, one that several do, one that goes, and one that comes back. */
const STEPS: readonly (readonly [RefName, Oid | null])[][] = [
  [
    [A, oids[1]],
    [B, oids[1]],
  ],
  [[A, oids[2]]],
  [
    [B, null],
    [C, oids[3]],
  ],
  [[A, oids[4]]],
];

/** The entries of the steps, from nothing on. */
function history(first: { sequence: number; digest: string }): Entry[] {
  const at = new Map<RefName, Oid>();
  let { sequence, digest: before } = first;
  return STEPS.map((step) => {
    const updates = step.map(([ref, next]): RefUpdate => ({ ref, old: at.get(ref) ?? null, next }));
    for (const { ref, next } of updates)
      if (next === null) at.delete(ref);
      else at.set(ref, next);
    const after = digest.after(before, movesOf(updates, MEMBERS, MEMBERS));
    const entry = { id: `01J${String(++sequence).padStart(23, '0')}`, sequence, term: 1, attempt: sequence };
    const made: Entry = { ...entry, before, after, updates, events: [], members: MEMBERS };
    before = after;
    return made;
  });
}

describe('entries that are applied together', () => {
  const entries = history({ sequence: 0, digest: '' });

  it('are left with what brings refs from anywhere on their way to their end, and nowhere else', () => {
    expect(refsOf(entries)).to.have.members([A, B, C]);
    expect(movesLeft(entries, new Map())).to.deep.include({ ref: A, old: null, next: oids[4] });
    expect(
      movesLeft(
        entries,
        new Map([
          [A, oids[2]],
          [B, oids[1]],
        ]),
      ),
    ).to.deep.equal([
      { ref: A, old: oids[2], next: oids[4] },
      { ref: B, old: oids[1], next: null },
      { ref: C, old: null, next: oids[3] },
    ]);
    expect(() => movesLeft(entries, new Map([[A, oids[3]]]))).to.throw(KvError);
  });

  it('are shown by refs as far as those have moved, and no further', () => {
    const shown = (...at: [RefName, Oid][]): number => shownOf(entries, new Map(at));
    expect(shown()).to.equal(0);
    expect(shown([A, oids[1]])).to.equal(1);
    expect(shown([A, oids[2]])).to.equal(2);
    expect(shown([A, oids[4]])).to.equal(4);
    expect(shown([C, oids[3]])).to.equal(3);
    expect(shown([A, oids[1]], [C, oids[3]]), 'no crash leaves this').to.equal(0);
    expect(shown([A, oids[3]]), 'by other means').to.equal(0);
  });
});

describe('the disk of a server that is in the middle of several entries', () => {
  /** A repository in which so many moves of the next transaction are made, in some order, before power fails. */
  function failing(store: GitStore, moved: (ref: RefName) => boolean): GitStore {
    return {
      ...store,
      capabilities: store.capabilities,
      objectFormat: store.objectFormat,
      read: (asked) => store.read(asked),
      write: (objects) => store.write(objects),
      refs: (patterns) => store.refs(patterns),
      async updateRefs(updates, reason) {
        await store.updateRefs(
          updates.filter(({ ref }) => moved(ref)),
          reason,
        );
        throw new KvError('IO_ERROR', 'power has failed');
      },
    };
  }

  function diskOf(store: GitStore, journal: Journal, said: string[] = []): ReplicaDisk {
    const log = { ...SILENT, error: (event: string) => void said.push(event) };
    const hasher = nodeHasher();
    return new ReplicaDisk({ store, journal, namer: new ObjectNamer(hasher, 'sha1'), digest, clock: new TestClock(), log });
  }

  const refs = [A, B, C, 'refs/kv-leader'];
  /** Each subset of the refs that a transaction over all entries moves. */
  const subsets = Array.from({ length: 1 << refs.length }, (_, bits) => refs.filter((_ref, at) => (bits & (1 << at)) !== 0));

  for (const again of ['at its next start', 'when it is asked again'] as const)
    it(`stands at one of them ${again}, whichever refs had moved when it broke off`, async () => {
      for (const moved of subsets) {
        const store = new GitMemoryStore('sha1');
        await store.write(['0', '1', '2', '3', '4'].map((content) => blob('sha1', content)));
        const place = new JournalPlace();
        const first = diskOf(store, openMemoryJournal(place));
        const { applied } = await first.restore(MEMBERS, true);
        const all = history(applied);
        let broken = true;
        const sometimes = failing(store, (ref) => moved.includes(ref));
        const spoilt: GitStore = { ...sometimes, updateRefs: (...args) => (broken ? sometimes : store).updateRefs(...args) };
        const said: string[] = [];
        let disk = diskOf(spoilt, openMemoryJournal(place), said);
        await disk.restore(MEMBERS, true);
        expect((await refusal(disk.apply(all))).code).to.equal('IO_ERROR');
        broken = false;
        if (again === 'at its next start') {
          disk = diskOf(store, openMemoryJournal(place), said);
          const restored = await disk.restore(MEMBERS, true);
          const at = all.find(({ after }) => after === restored.applied.digest)?.sequence ?? 0;
          expect(at, moved.join()).to.equal(restored.applied.sequence);
          expect(at > 0, moved.join()).to.equal(moved.some((ref) => ref !== B)); // which comes back to where it was
        } else await disk.apply(all.slice(0, 1)); // which is less than what was begun
        await disk.apply(all.filter(({ sequence }) => sequence > disk.at.sequence));
        expect(disk.at.digest).to.equal(all.at(-1)?.after);
        expect(Object.fromEntries(await disk.tips()), moved.join()).to.deep.equal({ [A]: oids[4], [C]: oids[3] });
        expect(said, moved.join()).to.deep.equal([]);
        await store.close();
      }
    });

  it('makes as few syncs for many as for one', async () => {
    const store = new GitMemoryStore('sha1');
    await store.write(['0', '1', '2', '3', '4'].map((content) => blob('sha1', content)));
    const journal = openMemoryJournal(new JournalPlace());
    let synced = 0;
    let moved = 0;
    const counted: Journal = {
      ...journal,
      append(record, options) {
        if (options?.sync !== false) synced++;
        return journal.append(record, options);
      },
    };
    const counting = failing(store, () => true);
    const disk = diskOf(
      {
        ...counting,
        updateRefs(...args) {
          moved++;
          return store.updateRefs(...args);
        },
      },
      counted,
    );
    const { applied } = await disk.restore(MEMBERS, true);
    const intents = await disk.apply(history(applied));
    expect([intents.length, synced, moved]).to.deep.equal([STEPS.length, 1, 1]);
    expect(disk.historyFrom(0).after).to.have.length(STEPS.length);
    await store.close();
  });
});
