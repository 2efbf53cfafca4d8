import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parsePolicy } from '../../adapters/policy-yaml/open.js';
import { openCreationFiles } from '../../apps/stargate/root/creation/creation-files.js';
import { Catalogue } from '../../apps/stargate/root/folders/catalogue.js';
import type { Creation } from '../../domain/gateway/creation/records.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

const creation = (repository: string, repositoryId = 'ab'.repeat(16)): Creation => ({
  ...{ id: `${'0'.repeat(26)}-1`, repository, repositoryId, objectFormat: 'sha1', coordinator: 's1' },
  policy: 'version: 1\nstargate: { admins: [] }\nnamespaces: { main: { writers: [] } }\n',
});

describe('stargate: what a server keeps of creations', () => {
  let folder: Temporary;
  const open = () => openCreationFiles(new Catalogue(folder.path), { parse: parsePolicy });
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('are reservations, of which a name has one, whatever its letters', async () => {
    const store = await open();
    await store.reserve({ creation: creation('ada/shop'), state: 'prepared' });
    await store.reserve({ creation: creation('Ada/Shop'), state: 'decided' });
    await store.reserve({ creation: creation('bob/shop'), state: 'prepared' });
    const kept = await (await open()).reservations();
    expect(kept.map(({ creation: { repository }, state }) => `${repository} ${state}`).sort()).to.deep.equal([
      'Ada/Shop decided',
      'bob/shop prepared',
    ]);
    await store.drop('ADA/SHOP');
    await store.drop('bob/shop');
    await store.drop('bob/shop');
    expect(await (await open()).reservations()).to.deep.equal([]);
    await writeFile(join(folder.path, '.stargate/creations/eve~shop.json'), '{"state":"decided","creation":{}}');
    expect((await thrownBy(store.reservations())).code).to.equal('CONFIG_INVALID');
  });

  it('is the list of what was created, without a line whose end was not written', async () => {
    const store = await open();
    expect(await store.created()).to.deep.equal([]);
    await store.append(creation('ada/shop'));
    const file = join(folder.path, '.stargate/created.ndjson');
    const whole = await readFile(file, 'utf8');
    await appendFile(file, '{"id":"tor');
    expect((await store.created()).map(({ repository }) => repository)).to.deep.equal(['ada/shop']);
    expect(await readFile(file, 'utf8')).to.equal(whole);
    await store.append(creation('bob/shop'));
    expect((await (await open()).created()).map(({ repository }) => repository)).to.deep.equal(['ada/shop', 'bob/shop']);
  });

  it('are the repositories: one is made once, and another of its name is left alone', async () => {
    const store = await open();
    await store.make(creation('ada/shop'));
    await store.make(creation('ada/shop'));
    expect(await store.taken('Ada/Shop')).to.equal('ada/shop');
    expect((await thrownBy(store.make(creation('ada/shop', 'cd'.repeat(16))))).code).to.equal('CAS_CONFLICT');
    expect(() => store.check({ ...creation('a/b'), policy: 'version: 2' })).to.throw();
    expect(() => store.check(creation('a/b/c'))).to.throw();
  });
});
