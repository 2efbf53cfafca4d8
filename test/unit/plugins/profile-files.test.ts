import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openProfile, parseProfile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/index.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';

const yaml = (text: string) => parseProfile(text, 'p.yaml');

describe('profile files', () => {
  let folder: Temporary;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('load plugins by path and by package', async () => {
    const module = (id: string, name: string): string =>
      `const open = async () => ({ name: '${name}' });
       const adapters = [{ port: 'clock', name: '${name}', module: async () => ({ open }) }];
       export const manifest = { api: 1, id: '${id}', adapters };`;
    await writeFile(join(folder.path, 'near.mjs'), module('near', 'near').replace('const manifest =', 'default'));
    const home = join(folder.path, 'node_modules', '@acme', 'kv-clock');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.json'), '{"name":"@acme/kv-clock","type":"module","main":"main.js"}');
    await writeFile(join(home, 'main.js'), module('@acme/kv-clock', 'far'));
    const file = join(folder.path, 'mine.yaml');
    for (const name of ['near', 'far']) {
      await writeFile(file, `name: mine\nplugins: [./near.mjs, '@acme/kv-clock']\nadapters: { clock: ${name} }\n`);
      const composition = await openProfile(file, { directory: folder.path, env: {} });
      expect(await composition.get('clock')).to.deep.equal({ name });
    }
    await writeFile(file, 'name: mine\nplugins: [./no.mjs]\nadapters: {}\n');
    const [error = new KvError('UNEXPECTED', 'none')] = (await openProfile(file, { directory: folder.path, env: {} })).failed;
    expect(error.code).to.equal('PLUGIN_INVALID');
    expect(error.message).to.contain('./no.mjs').and.contain('mine.yaml');
    expect(error.hint).to.contain(`it was looked for at ${join(folder.path, 'no.mjs')};`);
    await writeFile(file, "name: mine\nplugins: ['@acme/none']\nadapters: {}\n");
    const [missing] = (await openProfile(file, { directory: folder.path, env: {} })).failed;
    expect(missing?.message).to.contain(`mine.yaml:2`);
    expect(missing?.hint).to.contain(`from the profile's folder: in ${join(folder.path, 'node_modules')}, `);
  });

  for (const [what, text, faults] of [
    [
      'nothing',
      '',
      [
        'p.yaml:1: must be a mapping',
        'p.yaml:1: adapters: is missing; must be a mapping of ports to adapters',
        'p.yaml:1: name: is missing',
      ],
    ],
    [
      'a list',
      '- a\n',
      [
        'p.yaml:1: must be a mapping',
        'p.yaml:1: adapters: is missing; must be a mapping of ports to adapters',
        'p.yaml:1: name: is missing',
      ],
    ],
    ['unknown keys', 'name: t\nadaptors: {}\nadapters:\n  clock: x\n  jurnal: x\n', null],
    [
      'wrong types',
      'name: [t]\nplugins: 3\nadapters:\n  clock: [x]\n  journal: { config: 3 }\n  hasher: { use: x, wrap: y }\n',
      null,
    ],
    ['a key twice', 'name: t\nname: u\nadapters: {}\n', null],
  ] as const) {
    it(`with ${what} are refused with the lines`, async () => {
      const error = await thrownBy(yaml(text));
      expect(error.code).to.equal('CONFIG_INVALID');
      for (const line of error.message.split('\n')) expect(line).to.match(/^p\.yaml:\d+: /);
      if (faults !== null) expect(error.message.split('\n')).to.deep.equal(faults);
    });
  }
});
