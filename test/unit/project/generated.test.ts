import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { BUILTIN_ADAPTERS } from '../../../plugins/host/builtin-adapters.js';
import { BUILTIN_PROFILES } from '../../../plugins/host/builtin-profiles.js';
import { createRegistry, openProfile, readProfile } from '../../../plugins/host/index.js';
import { BUILD, ROOT } from '../../support/root.js';
import { temporaryFolder } from '../../support/temporary.js';

const { generate, gone } = (await import(pathToFileURL(join(ROOT, 'scripts', 'generate.mjs')).href)) as {
  generate(root: string): Map<string, string>;
  gone(root: string): string[];
};

describe('generated files', () => {
  it('are what the folders on disk say', () => {
    for (const [path, text] of generate(ROOT)) {
      expect(readFileSync(join(ROOT, path), 'utf8') === text, `${path} is stale: run node scripts/generate.mjs`).to.equal(true);
    }
    expect(gone(ROOT), 'of profiles that are gone').to.deep.equal([]);
  });

  it('cannot miss an adapter folder, nor name a module that is not there', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder.path, 'apps', 'profiles'), { recursive: true });
    await mkdir(join(folder.path, 'adapters', 'x'), { recursive: true });
    expect(() => generate(folder.path)).to.throw('adapters/x: has no adapter.json');
    await writeFile(join(folder.path, 'adapters', 'x', 'adapter.json'), '[{"port":"clock","name":"x","module":"open.js"}]');
    expect(() => generate(folder.path)).to.throw('there is no open.ts');
    await writeFile(join(folder.path, 'adapters', 'x', 'open.ts'), '');
    expect(generate(folder.path).get('plugins/host/builtin-adapters.ts')).to.contain("import('../../adapters/x/open.js')");
    await folder.remove();
  });

  it('hold every profile as the host itself reads it', async () => {
    expect(Object.keys(BUILTIN_PROFILES)).to.have.members([
      'api',
      'client',
      'embedded',
      'memory',
      'production',
      'test',
      'unmirrored',
    ]);
    for (const [name, profile] of Object.entries(BUILTIN_PROFILES)) {
      const read = await readProfile(join(ROOT, profile.file));
      expect({ ...read, file: profile.file }, name).to.deep.equal(profile);
    }
  });

  it('name adapters whose modules open something, and profiles whose adapters exist', async () => {
    createRegistry([{ manifest: BUILTIN_ADAPTERS, from: 'git-kv' }]);
    for (const adapter of BUILTIN_ADAPTERS.adapters) {
      expect((await adapter.module()).open, `${adapter.port} ${adapter.name}`).to.be.a('function');
    }
    for (const name of Object.keys(BUILTIN_PROFILES)) await openProfile(name, { directory: ROOT, env: {} });
  });

  it('have a test for every adapter folder', () => {
    const folders = new Set([...generate(ROOT).values()].join('').match(/adapters\/[a-z0-9-]+(?=\/)/g) ?? []);
    for (const folder of folders) {
      const test = join(BUILD, 'test', `${folder}.test.js`);
      expect(existsSync(test), `test/${folder}.test.ts`).to.equal(true);
    }
  });
});
