import { access, type FileHandle, mkdir, open as openFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkHeader, decodeLine, encodeRecord, HEADER } from '../../adapters/journal-file/line.js';
import { open, openFileJournal } from '../../adapters/journal-file/open.js';
import type { Journal, JournalRecord } from '../../ports/index.js';
import { KvError } from '../../ports/error.js';
import { replayed, sampleIntent } from '../contracts/journal.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

const done = (id: string): JournalRecord => ({ kind: 'done', id });
const lineOf = (id: string): string => encodeRecord(done(id)).toString();

describe('journal-file on its disk', () => {
  let folder: Temporary;
  let path: string;
  let journal: Journal;
  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'journal.ndjson');
    journal = await openFileJournal({ path });
  });
  afterEach(async () => {
    await journal.close();
    await folder.remove();
  });
  const reopened = async (content: string | Buffer): Promise<void> => {
    await journal.close();
    await writeFile(path, content);
    journal = await openFileJournal({ path });
  };
  const isThere = (name: string): Promise<boolean> =>
    access(name).then(
      () => true,
      () => false,
    );

  it('says what it promises', () => {
    expect(journal.capabilities).to.deep.equal({ durable: true, readBeside: true });
  });

  it('goes on with the old content when a rewrite fails before its rename', async () => {
    await journal.append(done('1'));
    await mkdir(`${path}.new`);
    const error = await thrownBy(journal.rewrite([done('2')]));
    expect([error.code, typeof error.hint]).to.deep.equal(['IO_ERROR', 'string']);
    expect(error.cause).to.be.an('error');
    await journal.append(done('3'));
    expect(await replayed(journal)).to.deep.equal([done('1'), done('3')]);
  });

  it('takes nothing more when a rewrite fails and another file is in its place, and leaves no half one', async () => {
    await journal.append(done('1'));
    await rm(path);
    await mkdir(path);
    expect((await thrownBy(journal.rewrite([done('2')]))).code).to.equal('IO_ERROR');
    expect(await isThere(`${path}.new`)).to.equal(false);
    expect((await thrownBy(journal.append(done('3')))).message).to.contain('cannot rewrite the journal');
  });

  it('takes nothing more when a rewrite fails and no file is in its place', async () => {
    await rm(folder.path, { recursive: true });
    expect((await thrownBy(journal.rewrite([]))).code).to.equal('IO_ERROR');
    expect((await thrownBy(journal.append(done('3')))).message).to.contain('cannot rewrite the journal');
  });

  it('says that it is closed, to whoever appends, replays or rewrites', async () => {
    await journal.close();
    for (const attempt of [journal.append(done('1')), replayed(journal), journal.rewrite([])])
      expect((await thrownBy(attempt)).message).to.equal(`${path}: the journal is closed`);
  });

  it('syncs a write that has one record to be synced, and the folder of a rewrite', async () => {
    let syncs = 0;
    await journal.close();
    journal = await openFileJournal({ path, sync: async () => void syncs++ });
    await Promise.all([journal.append(done('1'), { sync: false }), journal.append(done('2'))]);
    expect(syncs).to.equal(1);
    await Promise.all([journal.append(done('3'), { sync: false }), journal.append(done('4'), { sync: false })]);
    expect(syncs).to.equal(1);
    const whole = await countSyncs();
    try {
      await journal.rewrite([done('5')]);
      expect(whole.count()).to.equal(2); // the new file, and its name
    } finally {
      whole.restore();
    }
  });

  it('cuts a torn tail off before it writes, to the byte', async () => {
    await reopened(`${HEADER}${lineOf('1')}12345678 ${'torn'.repeat(100)}`);
    await journal.append(done('2'));
    expect(await readFile(path, 'utf8')).to.equal(`${HEADER}${lineOf('1')}${lineOf('2')}`);
    await reopened(`${HEADER}${lineOf('1')}${'\0'.repeat(40)}\n`);
    await journal.append(done('2'));
    expect(await readFile(path, 'utf8')).to.equal(`${HEADER}${lineOf('1')}${lineOf('2')}`);
  });

  it('is corrupt where a whole line is damaged, the last one too, and where zeros stand in the middle', async () => {
    const damaged = lineOf('1').replace('done', 'dune');
    const zeros = `${'\0'.repeat(40)}\n`;
    for (const [content, line] of [
      [`${HEADER}${lineOf('1')}${damaged}`, 3],
      [`${HEADER}${damaged}${lineOf('1')}`, 2],
      [`${HEADER}${zeros}${lineOf('1')}`, 2],
      [`${HEADER}${lineOf('1')}${zeros}${lineOf('2')}`, 3],
    ] as const) {
      await reopened(content);
      const error = await thrownBy(replayed(journal));
      expect([error.code, error.details]).to.deep.equal(['JOURNAL_CORRUPT', { file: path, line }]);
    }
  });

  it('is corrupt when its file has become shorter than it was', async () => {
    await journal.append(sampleIntent(1));
    await truncate(path, 0);
    expect((await thrownBy(replayed(journal))).code).to.equal('JOURNAL_CORRUPT');
    await truncate(path, 10);
    expect((await thrownBy(replayed(journal))).code).to.equal('JOURNAL_CORRUPT');
  });

  it('lies where its configuration says, from the repository’s folder', async () => {
    const context = { directory: folder.path } as Parameters<typeof open>[1]; // all that it reads of it
    for (const [config, place] of [
      [{}, '.stargate/journal.ndjson'],
      [{ path: 'deep/j' }, 'deep/j'],
    ] as const) {
      const opened = await open(config, context);
      await opened.close();
      expect(await readFile(join(folder.path, place), 'utf8')).to.equal(HEADER);
    }
  });
});

describe('a line of a journal', () => {
  it('has its checksum in eight digits, in lower case', () => {
    const line = Buffer.from(lineOf('7').slice(0, -1));
    expect(decodeLine(line, 'here')).to.deep.equal(done('7'));
    const text = line.toString();
    for (const wrong of [
      text.toUpperCase().slice(0, 8) + text.slice(8),
      text.slice(1),
      ` ${text}`,
      text.slice(0, 8),
      '',
      `${text} `,
    ])
      expect(decodeLine(Buffer.from(wrong), 'here'), wrong).to.equal(null);
    const later = encodeRecord({ kind: 'later' } as unknown as JournalRecord).subarray(0, -1);
    const error = codeOf(() => decodeLine(later, 'file:3'));
    expect(error).to.deep.equal(['FORMAT_UNSUPPORTED', "file:3: a record of kind 'later'"]);
  });

  it('tells a later version from what is no journal', () => {
    expect(codeOf(() => checkHeader(HEADER, 'f'))).to.equal(null);
    for (const [line, code] of [
      ['{"journal":"git-kv","v":2}\n', 'FORMAT_UNSUPPORTED'],
      ['{"journal":"git-kv","v":12}\n', 'FORMAT_UNSUPPORTED'],
      ['{"journal":"git-kv","v":1} \n', 'JOURNAL_CORRUPT'],
      ['x{"journal":"git-kv","v":2}\n', 'JOURNAL_CORRUPT'],
      ['', 'JOURNAL_CORRUPT'],
    ] as const)
      expect(codeOf(() => checkHeader(line, 'f'))?.[0], line).to.equal(code);
    expect(codeOf(() => checkHeader('{"journal":"git-kv","v":12}\n', 'f'))?.[1]).to.contain('format 12 ');
  });

  function codeOf(work: () => unknown): [string, string] | null {
    try {
      work();
      return null;
    } catch (error) {
      if (!KvError.is(error)) throw error;
      return [error.code, error.message];
    }
  }
});

/** Counts whole syncs, of files and folders. */
async function countSyncs(): Promise<{ count(): number; restore(): void }> {
  const handle = await openFile(devNull, 'r');
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'sync'>;
  await handle.close();
  const { sync } = prototype;
  let count = 0;
  prototype.sync = async function (this: FileHandle) {
    count++;
    await sync.call(this);
  };
  return { count: () => count, restore: () => Object.assign(prototype, { sync }) };
}
