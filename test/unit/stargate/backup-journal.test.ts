import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { openFileJournal } from '../../../adapters/journal-file/open.js';
import { checkRestored } from '../../../apps/stargate/backup/check-restored.js';
import { journalLines } from '../../../apps/stargate/backup/command.js';
import { JOURNAL, journalOf, keepJournal, noteJournal } from '../../../apps/stargate/backup/journal.js';
import { type Composition, findProfile, type Profile } from '../../../plugins/host/index.js';
import { parseProfile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import { replayed, sampleIntent } from '../../contracts/journal.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The embedded profile with another journal. */
async function withJournal(lines: string): Promise<Profile> {
  const other = await parseProfile(`name: acme\nadapters:\n  journal: ${lines}\n`, '/etc/acme.yaml');
  const embedded = await findProfile('embedded');
  return { ...other, adapters: { ...embedded.adapters, ...other.adapters } };
}

describe('the journal in a backup', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let repository: string;
  let draft: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    [repository, draft] = [join(folder.path, 'kv.git'), join(folder.path, 'draft')];
    mkdirSync(join(repository, '.stargate'), { recursive: true });
    mkdirSync(draft);
  });
  afterEach(() => folder.remove());

  it('is the usual file where nothing says otherwise, by whatever profile', async () => {
    const named = await withJournal(`{ use: journal-file, config: { path: ${JOURNAL.place} } }`);
    for (const profile of [null, await findProfile('embedded'), await findProfile('production'), named])
      expect(await keepJournal(repository, draft, profile)).to.deep.equal({ kind: 'file' });
    await noteJournal(repository, await findProfile('embedded'));
    expect((await keepJournal(repository, draft, null)).kind).to.equal('file');
    expect(journalLines({ kind: 'file' })).to.deep.equal([]);
  });

  it('is said to be left out where the Stargate was served with another one and no profile is named', async () => {
    const profile = await withJournal('{ use: journal-memory, config: { place: secret } }');
    await noteJournal(repository, profile);
    const kept = await keepJournal(repository, draft, null);
    expect(kept).to.deep.include({ kind: 'left', why: 'no profile was named' });
    const [first, second] = journalLines(kept);
    expect(first).to.equal(
      "  journal   NOT in it: it lies in 'journal-memory' of profile acme (/etc/acme.yaml): no profile was named",
    );
    expect(second).to.contain('--profile');
    expect(
      readFileSync(join(repository, '.stargate', 'served.json'), 'utf8'),
      'configuration may hold a password',
    ).to.not.contain('secret');
  });

  it('is read through its adapter where that lets another process read, beside its writer', async () => {
    const path = join(folder.path, 'elsewhere.ndjson');
    const writer = await openFileJournal({ path });
    const records = [sampleIntent(1), { kind: 'done', id: '1' } as const, sampleIntent(2)];
    for (const record of records) await writer.append(record);
    const profile = await withJournal(`{ use: journal-file, config: { path: ${path} } }`);
    const kept = await keepJournal(repository, draft, profile);
    expect(kept).to.deep.equal({ kind: 'replayed', journal: await journalOf(profile), records: 3 });
    await writer.close();
    const copy = await openFileJournal({ path: join(draft, JOURNAL.name) });
    expect(await replayed(copy)).to.deep.equal(records);
    await copy.close();
  });

  it('is said to be left out where its adapter does not let another process read, or fails', async () => {
    const closed = await keepJournal(repository, draft, await withJournal('journal-memory'));
    expect(closed).to.deep.include({ kind: 'left', why: 'its adapter does not let another process read it' });
    writeFileSync(join(folder.path, 'other'), 'no journal');
    const broken = await withJournal(`{ use: journal-file, config: { path: ${join(folder.path, 'other')} } }`);
    const kept = await keepJournal(repository, draft, broken);
    expect(kept.kind).to.equal('left');
    expect(journalLines(kept)[0]).to.contain('NOT in it').and.to.contain(join(folder.path, 'other'));
  });
});

describe('what is looked at of a restored repository', () => {
  const brought = { refs: 3, namespaces: [], journal: true, archives: ['main@e1.bundle'] };
  const composition = (journal: () => unknown, bundle: (name: string) => Promise<unknown>): Composition =>
    ({
      get: async (port: string) =>
        ({ 'git-store': new GitMemoryStore('sha1'), journal: { replay: journal }, 'bundle-archive': { refs: bundle } })[port],
    }) as unknown as Composition; // what is asked for is here

  it('is told one by one, an open write too', async () => {
    const records = async function* () {
      yield* [sampleIntent(1), { kind: 'done', id: sampleIntent(1).id }, sampleIntent(2)];
    };
    const asked: string[] = [];
    const bundle = async (name: string) => {
      asked.push(name);
      return new Map();
    };
    const checks = await checkRestored(composition(records, bundle), brought);
    expect(asked).to.deep.equal(['main@e1']); // the archive puts .bundle behind it itself
    expect(checks.map(({ what }) => what)).to.deep.equal([
      '3 refs as the manifest names them, and every object that they reach',
      'journal: 3 records, 1 of a write that the start will finish or undo',
      'archives/main@e1.bundle',
    ]);
    expect(checks.filter(({ fault }) => fault !== null)).to.deep.equal([]);
  });

  it('goes on behind a fault, and keeps each', async () => {
    const corrupt = async function* (): AsyncGenerator<never> {
      yield* [];
      throw new KvError('JOURNAL_CORRUPT', 'line 3');
    };
    const unread = () => Promise.reject(new KvError('GIT_ERROR', 'no bundle'));
    const checks = await checkRestored(composition(corrupt, unread), { ...brought, namespaces: ['main'] });
    expect(checks.map(({ fault }) => fault?.code ?? null)).to.deep.equal([
      null,
      'ATTESTATION_MISMATCH',
      'JOURNAL_CORRUPT',
      'GIT_ERROR',
    ]);
  });
});
