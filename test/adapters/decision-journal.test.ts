import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openJournalDecisions } from '../../adapters/decision-journal/open.js';
import type { DecisionLog, Head } from '../../ports/index.js';
import { decisionLogContract } from '../contracts/decision-log.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

decisionLogContract('decision-journal', async () => {
  const folder = await temporaryFolder();
  return {
    open: () => openJournalDecisions({ folder: join(folder.path, 'deep', 'decisions') }),
    dispose: () => folder.remove(),
  };
});

const HEAD: Head = { sequence: 3, term: 2, digest: 'ab', members: ['one', 'two'] };

describe('decision-journal', () => {
  let folder: Temporary;
  let log: DecisionLog;

  beforeEach(async () => {
    folder = await temporaryFolder();
    log = await openJournalDecisions({ folder: folder.path });
  });
  afterEach(async () => {
    await log.close();
    await folder.remove();
  });

  const place = (name: string): string => join(folder.path, 'a%2fb', name);

  it('writes one checked line a decision, keeps the newest alone, and says that only its host reaches it', async () => {
    const first = await log.decide('a/b', { head: HEAD, after: null });
    // The checksum as gzip computes it of the JSON.
    expect(await readFile(place('0000000000000001.json'), 'utf8')).to.match(
      /^[0-9a-f]{8} \{"decision":"git-kv","v":1,"head":\{"sequence":3,"term":2,"digest":"ab","members":\["one","two"\]\}\}\n$/,
    );
    await log.decide('a/b', { head: { ...HEAD, sequence: 4 }, after: first });
    expect(await readdir(join(folder.path, 'a%2fb'))).to.deep.equal(['0000000000000002.json']);
    expect(log.capabilities).to.deep.equal({ shared: false, fenced: false, durable: true });
  });

  it('outlives its process', async () => {
    const revision = await log.decide('a/b', { head: HEAD, after: null });
    await log.close();
    log = await openJournalDecisions({ folder: folder.path });
    expect(await log.read('a/b')).to.deep.equal({ head: HEAD, revision });
  });

  it('takes a decision that was written aside, and never linked, for none', async () => {
    await mkdir(join(folder.path, 'a%2fb'));
    await writeFile(place('new-1-1'), 'half of a line');
    expect(await log.read('a/b')).to.equal(null);
    await log.decide('a/b', { head: HEAD, after: null });
    expect(await readdir(join(folder.path, 'a%2fb'))).to.deep.equal(['0000000000000001.json']);
  });

  it('refuses a process that was paused over other decisions, though the number that it wants is free again', async () => {
    let after = await log.decide('a/b', { head: HEAD, after: null });
    const other = await openJournalDecisions({ folder: folder.path });
    const behind = after;
    for (let times = 0; times < 3; times++) after = await other.decide('a/b', { head: HEAD, after });
    expect((await thrownBy(log.decide('a/b', { head: HEAD, after: behind }))).code).to.equal('CAS_CONFLICT');
    // What is left of a link that was made just then, under a number that was swept.
    await writeFile(place('0000000000000002.json'), 'late');
    expect((await log.read('a/b'))?.revision).to.equal('4');
    await other.close();
  });

  it('calls a damaged decision JOURNAL_CORRUPT, names its file, and leaves it', async () => {
    await log.decide('a/b', { head: HEAD, after: null });
    const path = place('0000000000000001.json');
    const text = await readFile(path, 'utf8');
    for (const damaged of [text.replace('"term":2', '"term":1'), text.slice(0, -1), '', `x${text}`]) {
      await writeFile(path, damaged);
      const error = await thrownBy(log.read('a/b'));
      expect([error.code, error.message.includes(path)]).to.deep.equal(['JOURNAL_CORRUPT', true]);
      expect((await thrownBy(log.decide('a/b', { head: HEAD, after: '1' }))).code).to.equal('JOURNAL_CORRUPT');
      expect(await readFile(path, 'utf8')).to.equal(damaged);
    }
  });

  it('refuses a decision of a later version', async () => {
    await mkdir(join(folder.path, 'a%2fb'));
    // `printf '{"decision":"git-kv","v":2,"head":null}' | gzip -c | tail -c8 | od -tx4`
    await writeFile(place('0000000000000001.json'), '9b4973c0 {"decision":"git-kv","v":2,"head":null}\n');
    const found = (await thrownBy(log.read('a/b'))).code;
    expect(found).to.equal('FORMAT_UNSUPPORTED');
  });

  it('refuses names that no folder can have', async () => {
    for (const name of ['', 'x'.repeat(256), '/'.repeat(100)])
      expect((await thrownBy(log.read(name))).code).to.equal('INPUT_INVALID');
  });
});
