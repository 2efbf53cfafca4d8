import { createHash } from 'node:crypto';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { openBundleReader } from '../../../../adapters/git-cli/open-bundle-reader.js';
import type { ObjectFormat } from '../../../../ports/vocabulary.js';
import { type BenchBundle, bundleReaderContract, type BundleReaderBench } from '../../../contracts/bundle-reader.js';
import { thrownBy } from '../../../contracts/mirror-target.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

async function bench(sandbox: Sandbox, format: ObjectFormat): Promise<BundleReaderBench> {
  const clone = sandbox.path('clone');
  sandbox.run('git', ['init', '-q', `--object-format=${format}`, clone]);
  let copies = 0;
  const described = (file: string, brings: string): BenchBundle => {
    const bytes = readFileSync(file);
    return { file, brings, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  };
  const history = (name: string, of: ObjectFormat): { readonly whole: BenchBundle; readonly more: BenchBundle } => {
    const source = sandbox.path(name);
    sandbox.run('git', ['init', '-q', '--initial-branch=main', `--object-format=${of}`, source]);
    const commit = (text: string): string => {
      writeFileSync(sandbox.path(name, 'file'), text.repeat(500));
      sandbox.git(source, 'add', 'file');
      sandbox.git(source, 'commit', '-q', '-m', text);
      return sandbox.git(source, 'rev-parse', 'HEAD');
    };
    const first = commit('one');
    const files = [sandbox.path(`${name}-whole.bundle`), sandbox.path(`${name}-more.bundle`)] as const;
    sandbox.git(source, 'bundle', 'create', '-q', files[0], 'main');
    const last = commit('two');
    sandbox.git(source, 'bundle', 'create', '-q', files[1], 'main', `^${first}`);
    return { whole: described(files[0], first), more: described(files[1], last) };
  };
  return {
    reader: await openBundleReader({ directory: clone, env: sandbox.env }),
    ...history('source', format),
    foreign: history('foreign', format === 'sha1' ? 'sha256' : 'sha1').whole,
    has: async (oid) => {
      try {
        sandbox.git(clone, 'rev-list', '--objects', '--quiet', oid);
        return true;
      } catch {
        return false; // git says so by its status
      }
    },
    async altered({ file, brings }, change) {
      const copy = `${file}.${++copies}`;
      writeFileSync(copy, change(readFileSync(file)));
      return described(copy, brings);
    },
    dispose: async () => sandbox.remove(),
  };
}

for (const format of ['sha1', 'sha256'] as const) {
  bundleReaderContract(`git-cli, ${format}`, () => bench(new Sandbox(), format));
}

describe('git-cli: reading bundles', () => {
  it('follows no link, and waits for nobody behind a pipe', async () => {
    const sandbox = new Sandbox();
    const { reader, whole, dispose } = await bench(sandbox, 'sha1');
    symlinkSync(whole.file, sandbox.path('link'));
    sandbox.run('mkfifo', [sandbox.path('pipe')]);
    for (const name of ['link', 'pipe']) {
      expect((await thrownBy(reader.take(sandbox.path(name), whole))).code, name).to.equal('INPUT_INVALID');
    }
    await dispose();
  });
});
