import { copyFile, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { APPLICATION_ID, type Database, loadSqlite, openSqliteJournal, type Sqlite } from '../../adapters/journal-sqlite/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import { type Journal, type JournalRecord, KvError } from '../../ports/index.js';
import { journalContract, replayed, sampleIntent } from '../contracts/journal.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { needsSqlite } from '../support/needs/with-sqlite.js';

describe('journal-sqlite', () => {
  let sqlite: Sqlite;
  let folder: Temporary;
  let path: string;
  let journal: Journal | null;

  before(async function () {
    needsSqlite(this);
    sqlite = await loadSqlite();
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'deep', 'journal.sqlite');
    journal = null;
  });
  afterEach(async () => {
    await journal?.close();
    await folder.remove();
  });

  journalContract('journal-sqlite', async () => {
    const place = await temporaryFolder();
    const file = join(place.path, 'deep', 'journal.sqlite');
    return { open: async () => openSqliteJournal({ path: file, sqlite }), dispose: () => place.remove() };
  });

  const opened = (at = path): Journal => {
    journal = openSqliteJournal({ path: at, sqlite });
    return journal;
  };
  /** Opens it once, to see what a test does to the very connection that the journal has. */
  const watched = (): { journal: Journal; database: Database } => {
    let database: Database | undefined;
    class Watched extends (sqlite as unknown as new (path: string, options: object) => Database) {
      constructor(at: string, options: object) {
        super(at, options);
        database ??= this;
      }
    }
    journal = openSqliteJournal({ path, sqlite: Watched as unknown as Sqlite });
    if (database === undefined) throw new Error('it opened nothing');
    return { journal, database };
  };
  const query = (text: string, at = path): void => {
    const database = new sqlite(at);
    database.exec(text);
    database.close();
  };
  const refused = async (work: () => unknown): Promise<KvError> => thrownBy(Promise.resolve().then(work));

  it('is a database of its own kind, for the Stargate only, in WAL and synced in full', async () => {
    const { journal: one, database } = watched();
    await one.append(sampleIntent(1));
    const pragmas = ['application_id', 'user_version', 'journal_mode', 'synchronous'].map((name) =>
      database.pragma(name, { simple: true }),
    );
    expect(pragmas).to.deep.equal([APPLICATION_ID, 1, 'wal', 2]);
    for (const name of ['', '-wal', '-shm']) expect((await stat(`${path}${name}`)).mode & 0o077, name).to.equal(0);
    await one.append(sampleIntent(2), { sync: false });
    expect(database.pragma('synchronous', { simple: true }), 'durable with the next').to.equal(1);
  });

  it('shares one transaction among the appends that wait', async () => {
    const { journal: one, database } = watched();
    let commits = 0;
    const { exec } = database;
    database.exec = (text) => {
      if (text === 'COMMIT') commits += 1;
      return exec.call(database, text);
    };
    await Promise.all(Array.from({ length: 50 }, (_, at) => one.append(sampleIntent(at), { sync: at === 7 })));
    expect([commits, database.pragma('synchronous', { simple: true })]).to.deep.equal([1, 2]);
  });

  it('refuses what is no database, no journal, or a newer one, and leaves it as it is', async () => {
    await opened().close();
    const cases: [string, () => Promise<void> | void, string, RegExp][] = [
      [
        'text',
        () => writeFile(path, 'hello, this is a text of more than sixteen bytes\n'.repeat(20)),
        'JOURNAL_CORRUPT',
        /not a SQLite database/,
      ],
      ['another', () => query('CREATE TABLE other (x)'), 'JOURNAL_CORRUPT', /not a git-kv journal/],
      ['marked', () => query('PRAGMA application_id = 77'), 'JOURNAL_CORRUPT', /not a git-kv journal/],
      [
        'newer',
        () => query(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 2`),
        'FORMAT_UNSUPPORTED',
        /journal format 2 is not known/,
      ],
      [
        'without its table',
        () => query(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`),
        'JOURNAL_CORRUPT',
        /no such table: record/,
      ],
    ];
    for (const [name, make, code, message] of cases) {
      path = join(folder.path, `${name}.sqlite`);
      await make();
      const before = await readFile(path);
      const error = await refused(() => opened());
      expect([error.code, error.message.startsWith(path), error.hint === undefined], name).to.deep.equal([code, true, false]);
      expect(error.message, name).to.match(message);
      if (name !== 'without its table') expect((await readFile(path)).equals(before), name).to.equal(true);
    }
  });

  it('says that it is locked, at the start and later, and goes on once it is free', async () => {
    await opened().close();
    const other = new sqlite(path);
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    const error = await refused(() => opened());
    expect([error.code, error.message]).to.deep.equal([
      'BUSY',
      `${path}: cannot open the journal: database is locked (SQLITE_BUSY)`,
    ]);
    other.exec('COMMIT');
    other.close();
    const one = opened();
    await one.append(sampleIntent(1));
    const second = new sqlite(path);
    second.exec('BEGIN IMMEDIATE');
    expect((await thrownBy(one.append(sampleIntent(2)))).code).to.equal('BUSY');
    second.exec('ROLLBACK');
    second.close();
    await one.append(sampleIntent(3));
    expect(await replayed(one)).to.deep.equal([1, 3].map(sampleIntent));
  });

  it('goes on by itself after there was no room, without what was not taken', async () => {
    const { journal: one, database } = watched();
    await one.append(sampleIntent(1));
    await one.append({ kind: 'done', id: '1' }, { sync: false });
    const pages = database.pragma('page_count', { simple: true });
    database.pragma(`max_page_count = ${String(pages)}`, { simple: true });
    const large = Array.from({ length: 50 }, (_, at) => sampleIntent(at + 100));
    const failed = await Promise.all(large.map((record) => thrownBy(one.append(record))));
    expect(new Set(failed.map(({ code }) => code))).to.deep.equal(new Set(['STORAGE_FULL']));
    expect((await thrownBy(one.rewrite(large))).code).to.equal('STORAGE_FULL');
    expect(await replayed(one)).to.deep.equal([sampleIntent(1), { kind: 'done', id: '1' }]);
    database.pragma('max_page_count = 1000000', { simple: true });
    await one.append(sampleIntent(4));
    await one.close();
    expect(await replayed(opened())).to.deep.equal([sampleIntent(1), { kind: 'done', id: '1' }, sampleIntent(4)]);
  });

  it('takes no append after a failed sync, until it is opened again', async () => {
    const { journal: one, database } = watched();
    await one.append(sampleIntent(1));
    const { exec } = database;
    database.exec = (text) => {
      if (text === 'COMMIT') throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
      return exec.call(database, text);
    };
    const error = await thrownBy(one.append(sampleIntent(2)));
    expect([error.code, error.message]).to.deep.equal(['IO_ERROR', `${path}: cannot write: disk I/O error (SQLITE_IOERR_FSYNC)`]);
    database.exec = exec;
    expect((await thrownBy(one.append(sampleIntent(3)))).code).to.equal('IO_ERROR');
    expect((await thrownBy(one.rewrite([]))).code).to.equal('IO_ERROR');
    await one.close();
    const again = opened();
    await again.append(sampleIntent(4));
    expect(await replayed(again)).to.deep.equal([1, 4].map(sampleIntent));
  });

  it('notices a second writer, and writes nothing between its records', async () => {
    const one = opened();
    await one.append(sampleIntent(1));
    const two = openSqliteJournal({ path, sqlite });
    await two.append(sampleIntent(2));
    const error = await thrownBy(one.append(sampleIntent(3)));
    expect([error.code, error.message]).to.deep.equal(['IO_ERROR', `${path}: another process has written here`]);
    expect(await replayed(two)).to.deep.equal([1, 2].map(sampleIntent));
    await two.close();
  });

  it('is replayed as of one moment, although it is rewritten meanwhile', async () => {
    const one = opened();
    for (const number of [1, 2, 3]) await one.append(sampleIntent(number));
    const seen: JournalRecord[] = [];
    for await (const record of one.replay()) {
      seen.push(record);
      await one.rewrite([sampleIntent(9)]);
    }
    expect(seen).to.deep.equal([1, 2, 3].map(sampleIntent));
    for await (const record of one.replay()) {
      expect(record).to.deep.equal(sampleIntent(9));
      break; // which ends the reader's connection too
    }
    await one.append(sampleIntent(10));
    expect(await replayed(one)).to.deep.equal([9, 10].map(sampleIntent));
  });

  it('names a record that was changed, and one that is missing or of an unknown kind', async () => {
    const changes: [string, string, RegExp][] = [
      [
        `UPDATE record SET json = replace(json, 'main', 'mean') WHERE number = 2`,
        'JOURNAL_CORRUPT',
        /record 2 does not match its checksum/,
      ],
      ['DELETE FROM record WHERE number = 2', 'JOURNAL_CORRUPT', /record 2 is missing/],
      ['UPDATE record SET number = number + 1', 'JOURNAL_CORRUPT', /record 1 is missing/],
      // The checksum as computed by `printf '2 {"kind":"later"}' | gzip -c | tail -c8 | od -tu4`.
      [
        `UPDATE record SET json = '{"kind":"later"}', sum = 3944344364 WHERE number = 2`,
        'FORMAT_UNSUPPORTED',
        /record 2 is of kind 'later'/,
      ],
    ];
    for (const [at, [change, code, message]] of changes.entries()) {
      path = join(folder.path, `${at}.sqlite`);
      const one = opened();
      for (const number of [1, 2, 3]) await one.append(sampleIntent(number));
      query(change.replace('number = number + 1', 'number = number + 10'));
      const error = await thrownBy(replayed(one));
      expect([error.code, error.message], change).to.satisfy(
        ([kind, text]: string[]) => kind === code && message.test(text ?? ''),
      );
      await one.close();
    }
  });

  it('never gives other records than those that were appended, whichever byte of the file is flipped', async function () {
    this.timeout(120_000);
    const one = opened();
    const records = Array.from({ length: 30 }, (_, at) => sampleIntent(at));
    await one.rewrite(records);
    await one.close();
    const whole = await readFile(path);
    const codes = new Map<string, number>();
    for (let at = 0; at < whole.length; at += at < 100 ? 1 : 211) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x01;
      const copy = join(folder.path, `flipped-${at}.sqlite`);
      await writeFile(copy, bytes);
      const outcome = await refusedOr(async () => {
        const damaged = openSqliteJournal({ path: copy, sqlite });
        try {
          return await replayed(damaged);
        } finally {
          await damaged.close();
        }
      });
      if (Array.isArray(outcome)) expect(outcome, `flipped at ${at}`).to.deep.equal(records);
      else codes.set(outcome.code, (codes.get(outcome.code) ?? 0) + 1);
    }
    expect([...codes.keys()].sort(), 'and says so').to.include('JOURNAL_CORRUPT');
    for (const code of codes.keys()) expect(['JOURNAL_CORRUPT', 'FORMAT_UNSUPPORTED', 'IO_ERROR']).to.include(code);
  });

  it('has each record whole or not at all when its log is cut off anywhere', async () => {
    const one = opened();
    await one.append(sampleIntent(1));
    for (const number of [2, 3, 4]) await one.append(sampleIntent(number));
    const { size } = await stat(`${path}-wal`);
    let most = 0;
    for (let cut = 0; cut <= size; cut += 997) {
      const copy = join(folder.path, `cut-${cut}.sqlite`);
      await copyFile(path, copy);
      await copyFile(`${path}-wal`, `${copy}-wal`);
      await truncate(`${copy}-wal`, Math.min(cut, size));
      const found = await refusedOr(async () => {
        const cutOff = openSqliteJournal({ path: copy, sqlite });
        try {
          return await replayed(cutOff);
        } finally {
          await cutOff.close();
        }
      });
      if (!Array.isArray(found)) throw found;
      expect(found, `cut at ${cut}`).to.deep.equal([1, 2, 3, 4].slice(0, found.length).map(sampleIntent));
      expect(found.length).to.be.at.least(most);
      most = found.length;
    }
    expect(most).to.be.greaterThan(1);
  });

  it('is opened by a profile; without the package, the error says how to install it', async () => {
    const text = "name: small\nadapters: { journal: { use: journal-sqlite, config: { path: 'here.sqlite' } } }\n";
    const composition = await openProfile(await parseProfile(text, 'small.yaml'), { directory: folder.path, env: {} });
    const one = await composition.get<Journal>('journal');
    await one.append(sampleIntent(1));
    await composition.close();
    expect(await replayed(opened(join(folder.path, 'here.sqlite')))).to.deep.equal([sampleIntent(1)]);
    const cases: [unknown, RegExp][] = [
      [
        Object.assign(new Error("Cannot find package 'better-sqlite3'"), { code: 'ERR_MODULE_NOT_FOUND' }),
        /which is not installed/,
      ],
      [
        new Error('The module was compiled against a different Node.js version using\nNODE_MODULE_VERSION 127.'),
        /built for another Node/,
      ],
      [new Error('Could not locate the bindings file. Tried:\n → …'), /was never built/],
      [new Error('libstdc++.so.6: no such file'), /cannot be loaded: libstdc/],
    ];
    for (const [cause, message] of cases) {
      const error = await thrownBy(loadSqlite(() => Promise.reject(cause)));
      expect([error.code, error.message], String(cause)).to.satisfy(([code, said]: string[]) => {
        return code === 'CONFIG_INVALID' && message.test(said ?? '');
      });
      expect(error.hint).to.match(/npm run with-sqlite.*npm install better-sqlite3@12\.11\.1/);
    }
  });

  it('cannot be opened where nobody may write, or a folder is', async () => {
    await open(join(folder.path, 'file'), 'w').then((file) => file.close());
    for (const at of [folder.path, join(folder.path, 'file', 'journal.sqlite')]) {
      expect((await refused(() => opened(at))).code, at).to.equal('IO_ERROR');
    }
  });
});

/** What work gives, or the project's error that it throws. */
async function refusedOr<T>(work: () => Promise<T>): Promise<T | KvError> {
  try {
    return await work();
  } catch (error) {
    if (KvError.is(error)) return error;
    throw error;
  }
}
