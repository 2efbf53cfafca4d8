import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openFileJournal } from '../../adapters/journal-file/open.js';
import { loadSqlite, openSqliteJournal } from '../../adapters/journal-sqlite/open.js';
import type { Journal, JournalRecord } from '../../ports/index.js';
import { replayed } from '../contracts/journal.js';
import type { Ran } from '../support/programs/processes.js';
import { needsSqlite } from '../support/needs/with-sqlite.js';
import { World } from '../support/worlds/world.js';

describe('git-kv-stargate journal migrate', function () {
  this.timeout(120_000);
  let world: World;
  before(async function () {
    needsSqlite(this);
    world = await World.create({ writers: ['ada'] });
  });
  after(() => world?.close());

  const migrate = (to: string, failpoint?: string): Promise<Ran> =>
    world.run('git-kv-stargate', ['journal', 'migrate', '--to', to, '--repo', world.repo], {
      env: world.env('ada', failpoint === undefined ? {} : { GIT_KV_FAILPOINT: failpoint }),
    });
  const at = (name: string): string => join(world.repo, '.stargate', name);
  const recordsIn = async (opening: Promise<Journal> | Journal): Promise<JournalRecord[]> => {
    const journal = await opening;
    const records = await replayed(journal);
    await journal.close();
    return records;
  };
  const file = (): Promise<JournalRecord[]> => recordsIn(openFileJournal({ path: at('journal.ndjson') }));
  const database = async (): Promise<JournalRecord[]> =>
    recordsIn(openSqliteJournal({ path: at('journal.sqlite'), sqlite: await loadSqlite() }));
  /** What the journal has that a Stargate would be let start with. */
  const counting = async (): Promise<JournalRecord[]> => {
    const { adapter } = JSON.parse(await readFile(at('served.json'), 'utf8')) as { adapter: string };
    return adapter === 'journal-sqlite' ? database() : file();
  };

  it('loses nothing when it is killed at any step, and the mirror gets what has waited in the journal', async () => {
    await world.clone('ada');
    await rename(world.mirror, `${world.mirror}.away`);
    expect((await world.kv('ada', ['set', 'cfg:a', '1'])).code).to.equal(0);
    const running = await migrate('sqlite');
    expect([running.code, running.stderr]).to.satisfy(([code, said]: [number, string]) => {
      return code === 5 && /a Stargate runs over this repository: .*:\d+\nhint: stop all Stargates/.test(said);
    });
    await world.stop();
    const records = await file();
    expect(records.some(({ kind }) => kind === 'intent')).to.equal(true);

    for (const step of ['read', 'written', 'read-back', 'committed']) {
      const { code, stdout } = await migrate('sqlite', `journal.${step}`);
      expect([code, stdout], `killed after ${step}`).to.deep.equal([255, '']);
      expect(await counting(), `after ${step}`).to.deep.equal(records);
    }
    const done = await migrate('sqlite');
    expect([done.code, done.stdout], done.stderr).to.deep.equal([
      0,
      'the journal is kept by journal-sqlite\nnext: name it in the profile that serve is started with: journal: journal-sqlite\n',
    ]);

    const wrong = await world.run('git-kv-stargate', ['serve', '--repo', world.repo]);
    expect([wrong.code, wrong.stderr]).to.satisfy(([code, said]: [number, string]) => {
      return (
        code === 78 && said.includes('kept by journal-sqlite, and the profile names journal-file\nhint: name journal-sqlite')
      );
    });
    await writeFile(join(world.dir, 'small.yaml'), 'name: small\nextends: embedded\nadapters: { journal: journal-sqlite }\n');
    await rename(`${world.mirror}.away`, world.mirror);
    await world.start({ GIT_KV_PROFILE: join(world.dir, 'small.yaml') });
    await world.mirrored();
    expect((await world.kv('ada', ['set', 'cfg:b', '2', '--wait'])).code).to.equal(0);
    await world.stop();

    const kept = await database();
    expect((await migrate('file', 'journal.emptied')).code).to.equal(255);
    expect([await counting(), await database()]).to.deep.equal([kept, []]);
    await world.start();
    expect((await world.kv('ada', ['get', 'cfg:b', '--read-from=stargate'])).stdout).to.equal('2');
  });
});
