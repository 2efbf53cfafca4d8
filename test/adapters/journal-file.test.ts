import { type FileHandle, open, readFile, stat, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openFileJournal } from '../../adapters/journal-file/open.js';
import type { Journal } from '../../ports/index.js';
import { type FileJournalBench, journalContract, journalDamageContract, replayed, sampleIntent } from '../contracts/journal.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

async function bench(): Promise<FileJournalBench> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'deep', 'journal.ndjson');
  return {
    open: () => openFileJournal({ path }),
    read: () => readFile(path),
    write: (bytes) => writeFile(path, bytes),
    dispose: () => folder.remove(),
  };
}

journalContract('journal-file', bench);
journalDamageContract('journal-file', bench);

describe('journal-file', () => {
  let folder: Temporary;
  let path: string;
  let journal: Journal | null;

  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'journal.ndjson');
    journal = null;
  });
  afterEach(async () => {
    await journal?.close();
    await folder.remove();
  });

  it('writes a header, then a checksum and JSON a line', async () => {
    journal = await openFileJournal({ path });
    await journal.append({ kind: 'done', id: '7' });
    // The checksum as computed by `printf '{"kind":"done","id":"7"}' | gzip -c | tail -c8 | od -tx4`.
    expect(await readFile(path, 'utf8')).to.equal('{"journal":"git-kv","v":1}\ncf2857de {"kind":"done","id":"7"}\n');
    expect((await stat(path)).mode & 0o077, 'for the Stargate only').to.equal(0);
  });

  it('refuses a version it does not know, and a file that is no journal', async () => {
    await writeFile(path, '{"journal":"git-kv","v":2}\n');
    const newer = await thrownBy(openFileJournal({ path }));
    expect([newer.code, newer.message]).to.deep.equal(['FORMAT_UNSUPPORTED', `${path}:1: journal format 2 is not known`]);
    await writeFile(path, 'hello\n');
    expect((await thrownBy(openFileJournal({ path }))).code).to.equal('JOURNAL_CORRUPT');
    await writeFile(path, '{"journal":');
    expect((await thrownBy(openFileJournal({ path }))).code).to.equal('JOURNAL_CORRUPT');
    await writeFile(path, '');
    journal = await openFileJournal({ path });
    expect(await replayed(journal)).to.deep.equal([]);
  });

  it('refuses a record of a kind it does not know', async () => {
    await writeFile(path, '{"journal":"git-kv","v":1}\n382bd265 {"kind":"later"}\n');
    journal = await openFileJournal({ path });
    expect((await thrownBy(replayed(journal))).code).to.equal('FORMAT_UNSUPPORTED');
  });

  it('names file and line of a damaged record', async () => {
    journal = await openFileJournal({ path });
    for (const number of [1, 2, 3]) await journal.append(sampleIntent(number));
    await journal.close();
    const lines = (await readFile(path, 'utf8')).split('\n');
    lines[2] = (lines[2] ?? '').replace('main', 'mean');
    await writeFile(path, lines.join('\n'));
    journal = await openFileJournal({ path });
    const error = await thrownBy(replayed(journal));
    expect([error.code, error.message]).to.deep.equal(['JOURNAL_CORRUPT', `${path}:3: a record does not match its checksum`]);
    expect(error.details).to.deep.equal({ file: path, line: 3 });
  });

  it('shares one sync among the appends that wait for it', async () => {
    let syncs = 0;
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    journal = await openFileJournal({
      path,
      sync: async (file) => {
        syncs++;
        await gate;
        await file.datasync();
      },
    });
    const appends = Array.from({ length: 50 }, (_, at) => journal?.append(sampleIntent(at)));
    go();
    await Promise.all(appends);
    expect(syncs).to.be.at.most(2);
    expect(await replayed(journal)).to.have.length(50);
    await journal.append(sampleIntent(99), { sync: false });
    expect(syncs).to.be.at.most(2);
  });

  it('resolves a synced append only once fdatasync has', async () => {
    journal = await openFileJournal({ path });
    const syncs = await interceptSyncs();
    try {
      let resolved = 0;
      const append = journal.append(sampleIntent(1)).then(() => (resolved += 1));
      await Promise.race([syncs.begun(1), append]);
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      expect(resolved, 'while the disk has not answered').to.equal(0);
      syncs.letGo();
      await append;
      await journal.append(sampleIntent(2));
      expect(syncs.count(), 'each append that nothing waits with has a sync of its own').to.equal(2);
      await journal.append(sampleIntent(3), { sync: false });
      expect(syncs.count()).to.equal(2);
    } finally {
      syncs.restore();
    }
  });

  it('takes no append after a failed sync, until it is opened again', async () => {
    let fail = false;
    journal = await openFileJournal({
      path,
      sync: async (file) => {
        if (fail) throw new Error('EIO: i/o error');
        await file.datasync();
      },
    });
    await journal.append(sampleIntent(1));
    fail = true;
    const failed = await Promise.all([thrownBy(journal.append(sampleIntent(2))), thrownBy(journal.append(sampleIntent(3)))]);
    expect(failed.map((error) => error.code)).to.deep.equal(['IO_ERROR', 'IO_ERROR']);
    fail = false;
    expect((await thrownBy(journal.append(sampleIntent(4)))).message).to.contain('EIO');
    expect((await thrownBy(journal.rewrite([]))).code).to.equal('IO_ERROR');
    await journal.close();
    journal = await openFileJournal({ path });
    await journal.append(sampleIntent(5));
    const ids = (await replayed(journal)).map((record) => Number(record.id));
    expect(ids.at(0)).to.equal(1);
    expect(ids.at(-1)).to.equal(5);
  });

  it('goes on by itself after there was no room, without what was not taken', async () => {
    let full = false;
    journal = await openFileJournal({
      path,
      sync: async (file) => {
        if (full) throw Object.assign(new Error('ENOSPC: no space left on device, fdatasync'), { code: 'ENOSPC' });
        await file.datasync();
      },
    });
    await journal.append(sampleIntent(1));
    await journal.append({ kind: 'done', id: '1' }, { sync: false });
    full = true;
    for (const number of [2, 3]) expect((await thrownBy(journal.append(sampleIntent(number)))).code).to.equal('STORAGE_FULL');
    expect((await thrownBy(replayed(journal))).message, 'while there is none').to.include('ENOSPC');
    full = false;
    expect(await replayed(journal)).to.deep.equal([sampleIntent(1), { kind: 'done', id: '1' }]);
    await journal.append(sampleIntent(4));
    await journal.close();
    journal = await openFileJournal({ path });
    expect(await replayed(journal)).to.deep.equal([sampleIntent(1), { kind: 'done', id: '1' }, sampleIntent(4)]);
  });

  it('drops a last record of which a power failure left zeros', async () => {
    journal = await openFileJournal({ path });
    for (const number of [1, 2]) await journal.append(sampleIntent(number));
    await journal.close();
    const bytes = await readFile(path);
    bytes.fill(0, bytes.length - 200, bytes.length - 100);
    await writeFile(path, bytes);
    journal = await openFileJournal({ path });
    expect(await replayed(journal)).to.deep.equal([sampleIntent(1)]);
    await journal.append(sampleIntent(3));
    expect(await replayed(journal)).to.deep.equal([sampleIntent(1), sampleIntent(3)]);
  });

  it('keeps the old content when a rewrite was cut off before its rename', async () => {
    journal = await openFileJournal({ path });
    await journal.append(sampleIntent(1));
    await journal.close();
    await writeFile(`${path}.new`, '{"journal":"git-kv","v":1}\nhalf a rec');
    journal = await openFileJournal({ path });
    expect(await replayed(journal)).to.deep.equal([sampleIntent(1)]);
    await journal.rewrite([sampleIntent(2)]);
    expect(await replayed(journal)).to.deep.equal([sampleIntent(2)]);
  });
});

/** Holds every sync of a file's content back until it is let go, and counts them. */
async function interceptSyncs(): Promise<{
  begun(count: number): Promise<void>;
  count(): number;
  letGo(): void;
  restore(): void;
}> {
  const handle = await open(devNull, 'r');
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'datasync' | 'sync'>;
  await handle.close();
  const { datasync, sync } = prototype;
  let count = 0;
  let news: () => void = () => undefined;
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const held = (real: () => Promise<void>) =>
    async function (this: FileHandle): Promise<void> {
      count += 1;
      news();
      await gate;
      await real.call(this);
    };
  prototype.datasync = held(datasync);
  prototype.sync = held(sync);
  return {
    async begun(wanted) {
      while (count < wanted) await new Promise<void>((resolve) => (news = resolve));
    },
    count: () => count,
    letGo,
    restore: () => Object.assign(prototype, { datasync, sync }),
  };
}
