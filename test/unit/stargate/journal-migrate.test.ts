import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { JournalPlace, openMemoryJournal } from '../../../adapters/journal-memory/open.js';
import { noteJournal } from '../../../apps/stargate/backup/journal.js';
import { migrateJournal } from '../../../apps/stargate/journal/migrate.js';
import { requireSameJournal } from '../../../apps/stargate/journal/same-journal.js';
import { findProfile, parseProfile, type Profile } from '../../../plugins/host/index.js';
import { type JournalRecord, KvError } from '../../../ports/index.js';
import { replayed, sampleIntent } from '../../contracts/journal.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('moving a journal', () => {
  const RECORDS = [1, 2, 3].map(sampleIntent);
  let places: [JournalPlace, JournalPlace];
  /** Which of both counts. */
  let counts: 'from' | 'to';
  let steps: string[];

  const held = (place: JournalPlace): Promise<JournalRecord[]> => replayed(openMemoryJournal(place));
  const move = (stop?: string, replace = false): Promise<number> =>
    migrateJournal({
      from: { adapter: 'a', journal: openMemoryJournal(places[0]) },
      to: { adapter: 'b', journal: openMemoryJournal(places[1]) },
      replace,
      commit: async () => {
        counts = 'to';
      },
      reached(step) {
        steps.push(step);
        if (step === stop) throw new KvError('INTERRUPTED', 'killed');
      },
    });

  beforeEach(async () => {
    places = [new JournalPlace(), new JournalPlace()];
    [counts, steps] = ['from', []];
    await openMemoryJournal(places[0]).rewrite(RECORDS);
  });

  it('brings every record over, and leaves nothing behind', async () => {
    expect(await move()).to.equal(3);
    expect([await held(places[0]), await held(places[1]), counts]).to.deep.equal([[], RECORDS, 'to']);
    expect(steps).to.deep.equal(['read', 'written', 'read-back', 'committed', 'emptied']);
  });

  for (const stop of ['read', 'written', 'read-back', 'committed', 'emptied']) {
    it(`has everything in the journal that counts when it is ended after '${stop}', and can be done again`, async () => {
      expect((await thrownBy(move(stop))).code).to.equal('INTERRUPTED');
      const there = await held(places[counts === 'from' ? 0 : 1]);
      expect([there, counts]).to.deep.equal([RECORDS, ['committed', 'emptied'].includes(stop) ? 'to' : 'from']);
      if (counts === 'from') expect(await move()).to.equal(3);
      expect(await held(places[1])).to.deep.equal(RECORDS);
    });
  }

  it('touches no records that nobody knows of, unless they are known to be old', async () => {
    await openMemoryJournal(places[1]).append({ kind: 'done', id: '9' });
    expect((await thrownBy(move())).code).to.equal('CONFIG_INVALID');
    expect([await held(places[0]), await held(places[1]), counts]).to.deep.equal([RECORDS, [{ kind: 'done', id: '9' }], 'from']);
    expect(await move(undefined, true)).to.equal(3);
    expect(await held(places[1])).to.deep.equal(RECORDS);
  });

  it('fails before it counts when the target gives other records back', async () => {
    const journal = { ...openMemoryJournal(places[1]), rewrite: async () => undefined };
    const error = await thrownBy(
      migrateJournal({
        from: { adapter: 'a', journal: openMemoryJournal(places[0]) },
        to: { adapter: 'b', journal },
        replace: false,
        commit: () => Promise.reject(new Error('never')),
        reached: () => undefined,
      }),
    );
    expect([error.code, await held(places[0])]).to.deep.equal(['IO_ERROR', RECORDS]);
  });
});

describe('a start with another journal than the last', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
    mkdirSync(join(folder.path, '.stargate'));
  });
  afterEach(() => folder.remove());

  const withJournal = async (journal: string): Promise<Profile> => {
    const other = await parseProfile(`name: acme\nadapters:\n  journal: ${journal}\n`, '/etc/acme.yaml');
    return { ...other, adapters: { ...(await findProfile('embedded')).adapters, ...other.adapters } };
  };
  const refusal = (profile: Profile): Promise<string> =>
    requireSameJournal(folder.path, profile).then(
      () => '',
      (error: Error) => error.message,
    );
  const write = (name: string): void => writeFileSync(join(folder.path, name), 'x');

  it('is refused where the other has the records, whichever is known of it', async () => {
    const [file, sqlite, memory] = await Promise.all(['journal-file', 'journal-sqlite', 'journal-memory'].map(withJournal));
    const all = [file, sqlite, memory] as Profile[];
    const refusals = async (): Promise<string[]> => Promise.all(all.map(refusal));
    expect(await refusals(), 'a new repository').to.deep.equal(['', '', '']);
    write('.stargate/journal.ndjson');
    const noted = 'the journal is kept by journal-file, and the profile names journal-sqlite';
    expect(await refusals(), 'served by a version that noted nothing').to.deep.equal(['', noted, '']);
    await noteJournal(folder.path, sqlite as Profile);
    const other = 'the journal is kept by journal-sqlite, and the profile names journal-file';
    expect(await refusals()).to.deep.equal([other, '', '']);
    await noteJournal(folder.path, memory as Profile);
    expect(await refusals(), 'one that has no place says nothing').to.deep.equal(['', '', '']);
    writeFileSync(
      join(folder.path, '.stargate', 'served.json'),
      '{"v":1,"profile":"embedded","adapter":"journal-file","usual":true}',
    );
    expect(await refusals(), 'noted before places were').to.deep.equal(['', noted, '']);
  });

  it('is refused while something lies at the old place, unless it is the same file', async () => {
    const [here, there] = await Promise.all(
      ['here', 'there'].map((at) => withJournal(`{ use: journal-file, config: { path: ${at} } }`)),
    );
    await noteJournal(folder.path, here as Profile);
    expect(JSON.parse(readFileSync(join(folder.path, '.stargate', 'served.json'), 'utf8'))).to.include({ place: 'here' });
    expect(await refusal(there as Profile), 'both are gone').to.equal('');
    write('here');
    expect(await refusal(there as Profile)).to.equal('the journal lies at here, and the profile says there, where none is');
    write('there'); // which a migration from there to here would have left behind, empty
    expect(await refusal(there as Profile)).to.equal(
      'the journal lies at here, and the profile says there, where another one is',
    );
    rmSync(join(folder.path, 'here'));
    expect(await refusal(there as Profile), 'moved by hand').to.equal('');
    symlinkSync('there', join(folder.path, 'here'));
    expect(await refusal(there as Profile), 'the same by another path').to.equal('');
  });
});
