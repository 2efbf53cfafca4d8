import { expect } from 'chai';
import { JournalPlace, openMemoryJournal } from '../../adapters/journal-memory/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import type { Journal } from '../../ports/index.js';
import { journalContract, replayed, sampleIntent } from '../contracts/journal.js';

journalContract('journal-memory', async () => {
  const place = new JournalPlace();
  return { open: async () => openMemoryJournal(place), dispose: async () => undefined };
});

describe('journal-memory', () => {
  it('says that nothing of it survives, and keeps what was appended as it was', async () => {
    const journal = openMemoryJournal(new JournalPlace());
    expect(journal.capabilities.durable).to.equal(false);
    const record = { kind: 'done' as 'done' | 'aborted', id: '1' };
    await journal.append(record);
    record.kind = 'aborted';
    expect(await replayed(journal)).to.deep.equal([{ kind: 'done', id: '1' }]);
  });

  it('is one for the compositions that name its place, and each one’s own without a name', async () => {
    const opened = async (adapter: string): Promise<Journal> => {
      const profile = await parseProfile(`name: shared\nadapters: { journal: ${adapter} }\n`, 'shared.yaml');
      return (await openProfile(profile, { directory: '/nonexistent', env: {} })).get<Journal>('journal');
    };
    const named = '{ use: journal-memory, config: { place: journal-memory.test } }';
    await (await opened(named)).append(sampleIntent(1));
    expect(await replayed(await opened(named))).to.have.length(1);
    await (await opened('journal-memory')).append(sampleIntent(1));
    expect(await replayed(await opened('journal-memory'))).to.have.length(0);
  });
});
