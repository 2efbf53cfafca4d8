import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import { blob } from '../../../contracts/git-objects.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const PACKS = 8;
const A_PACK = 8;
const HOUR_MS = 3_600_000;
/** Nothing that git could deflate. */
const LARGE = randomBytes(50_000).toString('base64');

describe('git-cli: one index of many packs', () => {
  let sandbox: Sandbox;
  let directory: string;
  let index: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    directory = sandbox.bare('r.git');
    index = join(directory, 'objects/pack/multi-pack-index');
  });
  afterEach(() => sandbox.remove());

  const packs = (): number => readdirSync(join(directory, 'objects/pack')).filter((name) => name.endsWith('.pack')).length;
  const objects = (name: string, body = '') =>
    Array.from({ length: A_PACK }, (_, i) => blob('sha1', Buffer.from(`${name} ${i} ${body}`)));
  /** Writes packs with one store, which it closes. */
  const write = async (names: readonly string[], body = ''): Promise<void> => {
    const store = await openGitStore({ directory, env: sandbox.env });
    for (const name of names) await store.write(objects(name, body));
    await store.close();
  };
  const names = (count: number, prefix = ''): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

  it('is written once there are many, and every object is found', async () => {
    await write(names(PACKS - 1));
    expect(existsSync(index)).to.equal(false);
    await write(['last']);
    expect(packs()).to.equal(PACKS);
    sandbox.git(directory, 'multi-pack-index', 'verify');
    const store = await openGitStore({ directory, env: sandbox.env });
    for (const name of [...names(PACKS - 1), 'last']) {
      const wanted = objects(name).map(({ oid }) => oid);
      expect((await store.read(wanted)).map((object) => object?.oid)).to.deep.equal(wanted);
    }
    await store.close();
    sandbox.git(directory, 'repack', '-adq'); // git drops it with the packs
    sandbox.git(directory, 'fsck', '--full');
  });

  it('is written by a store that writes many, while it goes on reading', async () => {
    const store = await openGitStore({ directory, env: sandbox.env });
    await store.read(objects('0').map(({ oid }) => oid));
    for (const name of names(3 * PACKS)) {
      await store.write(objects(name));
      const wanted = objects(name).map(({ oid }) => oid);
      expect((await store.read(wanted)).map((object) => object?.oid)).to.deep.equal(wanted);
    }
    await store.close();
    expect(existsSync(index)).to.equal(true);
    sandbox.git(directory, 'multi-pack-index', 'verify');
  });

  it('is left as it is for few packs more, and for many that are small beside the others', async () => {
    await write(names(PACKS), LARGE);
    const before = statSync(index);
    const isAsBefore = (): boolean => statSync(index).ino === before.ino;
    await write(names(PACKS - 1, 'more'), LARGE);
    expect(isAsBefore()).to.equal(true);
    await write(names(PACKS, 'small'));
    expect(isAsBefore(), 'the other seven count too').to.equal(false);
    const then = statSync(index);
    await write(names(PACKS, 'smaller'));
    expect(statSync(index).ino).to.equal(then.ino);
  });

  it('is written though a crash has left its lock, and is not waited for where another git writes it', async () => {
    writeFileSync(`${index}.lock`, '');
    await write(names(PACKS));
    expect(existsSync(index)).to.equal(false);
    utimesSync(`${index}.lock`, new Date(Date.now() - 2 * HOUR_MS), new Date(Date.now() - 2 * HOUR_MS));
    await write(['last']);
    expect(existsSync(index)).to.equal(true);
    expect(existsSync(`${index}.lock`)).to.equal(false);
  });
});
