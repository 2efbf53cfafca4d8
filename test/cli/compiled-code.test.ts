import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Place } from '../support/worlds/place.js';

/** What each start compiles anew is kept in the user's cache; whatever that holds, a command does the same. */
describe('git kv: compiled code', () => {
  let place: Place;
  let cache: string;
  let folder: string;
  before(async () => {
    place = new Place();
    await place.ok(['set', 'a', '1', '--no-wait']);
    cache = join(place.home, 'cache');
    mkdirSync(cache);
    folder = join(cache, 'git-kv', 'compiled');
  });
  afterEach(() => rmSync(join(cache, 'git-kv'), { recursive: true, force: true }));
  after(() => place.remove());

  const get = async (env: Readonly<Record<string, string>> = {}): Promise<string> =>
    place.ok(['get', 'a', '--offline'], { alone: true, env: { XDG_CACHE_HOME: cache, ...env } });
  const kept = (): string[] => readdirSync(folder).filter((name) => /^(get|list|other)-[0-9a-f]{20}$/.test(name));
  const fileOf = (): string => join(folder, kept()[0] ?? '');

  it('is kept for each command, for this user alone, and used from then on', async () => {
    expect(await get()).to.equal('1');
    expect(kept()).to.have.length(1);
    expect(statSync(folder).mode & 0o077).to.equal(0);
    expect(statSync(fileOf()).mode & 0o077).to.equal(0);
    const { mtimeMs, size } = statSync(fileOf());
    expect(size).to.be.greaterThan(100_000);
    expect(await get()).to.equal('1');
    expect(statSync(fileOf()).mtimeMs, 'written once').to.equal(mtimeMs);
    await place.ok(['list', '--offline'], { alone: true, env: { XDG_CACHE_HOME: cache } });
    expect(kept().map((name) => name.split('-')[0])).to.have.members(['get', 'list']);
  });

  for (const [what, change] of [
    ['is cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['is damaged in one place', (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)))],
    ['is empty', () => Buffer.alloc(0)],
    ['is something else', () => Buffer.from('not compiled code at all')],
  ] as const)
    it(`that ${what} is made anew`, async () => {
      await get();
      const whole = readFileSync(fileOf());
      writeFileSync(fileOf(), change(whole));
      expect(await get()).to.equal('1');
      expect(readFileSync(fileOf()).length).to.be.greaterThan(100_000);
    });

  it('that others may change is not run, and replaced', async () => {
    await get();
    chmodSync(fileOf(), 0o666);
    expect(await get()).to.equal('1');
    expect(statSync(fileOf()).mode & 0o022).to.equal(0);
  });

  it('is not kept in a folder in which others may write', async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    expect(await get()).to.equal('1');
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('of versions before is removed in time', async () => {
    await get();
    const old = join(folder, 'get-00000000000000000000');
    writeFileSync(old, 'old');
    const aDay = 24 * 60 * 60;
    utimesSync(old, Date.now() / 1000 - 40 * aDay, Date.now() / 1000 - 40 * aDay);
    rmSync(join(folder, kept().find((name) => !name.endsWith('0000000000')) ?? ''));
    await get();
    expect(readdirSync(folder)).not.to.include('get-00000000000000000000');
  });

  it('needs no folder that can be written: nothing is made above a home that is not there', async () => {
    const nowhere = join(place.home, 'nowhere');
    expect(await get({ XDG_CACHE_HOME: join(nowhere, 'cache') })).to.equal('1');
    expect(await get({ XDG_CACHE_HOME: '', HOME: nowhere })).to.equal('1');
    expect(readdirSync(place.home)).not.to.include('nowhere');
    expect(await get({ XDG_CACHE_HOME: '/dev/null' })).to.equal('1');
  });

  it('is left out when Node is told so', async () => {
    expect(await get({ NODE_DISABLE_COMPILE_CACHE: '1' })).to.equal('1');
    expect(readdirSync(cache)).to.deep.equal([]);
  });
});
