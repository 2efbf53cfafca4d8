import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Place } from '../support/worlds/place.js';
import { ROOT } from '../support/root.js';

/** Every script of ours that a command has loaded. */
async function scriptsOf(place: Place, args: readonly string[]): Promise<string[]> {
  const folder = join(place.home, `coverage-${args.join('-')}`);
  mkdirSync(folder);
  await place.ok(args, { alone: true, env: { NODE_V8_COVERAGE: folder } });
  const [report = ''] = readdirSync(folder);
  const { result } = JSON.parse(readFileSync(join(folder, report), 'utf8')) as { result: { url: string }[] };
  return result.flatMap(({ url }) => (url.startsWith('file:') ? [fileURLToPath(url)] : []));
}

/** The sources that scripts were made of. */
function sourcesOf(scripts: readonly string[]): string[] {
  return scripts.flatMap((path) => {
    const map = `${path}.map`;
    return existsSync(map) ? (JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] }).sources : [path];
  });
}

describe('git kv: what a command loads', () => {
  let place: Place;
  before(async () => {
    place = new Place();
    await place.ok(['set', 'a', '1']);
  });
  after(() => place.remove());

  const packagesOf = (sources: readonly string[]): Set<string> =>
    new Set(sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []));

  for (const args of [
    ['get', 'a', '--offline'],
    ['list', '--offline'],
    ['set', 'b', '1'],
    ['del', 'b'],
    ['cas', 'set', 'c', '1', '--expect-blob', 'none', '--no-wait'],
  ]) {
    it(`${args[0]} loads one file, in which is nothing that it can do without, and no other`, async () => {
      const files = await scriptsOf(place, args);
      expect(files.map((file) => basename(file))).to.deep.equal(['git-kv.js', 'git-kv.js']); // the program, and what it is bundled as
      const sources = sourcesOf(files);
      for (const name of [
        '@oclif/core',
        'blake3',
        'yaml',
        'class-validator',
        'class-transformer',
        'ssh2',
        'opossum',
        'prom-client',
      ])
        expect(packagesOf(sources)).not.to.include(name);
      const odd =
        /adapters\/(?!git-cli|clock-system|hasher-node|signer-git|tracing-none)|apps\/cli\/(?:hints|commands|oclif)|domain\/gateway/;
      expect(sources.filter((source) => odd.test(source))).to.deep.equal([]);
      for (const module of ['read/read', 'read/list', 'write/write'])
        expect(sources.some((source) => source.endsWith(`domain/client/${module}.ts`))).to.equal(true);
    });
  }

  it('that file is small enough to be read at each start', () => {
    expect(statSync(join(ROOT, 'dist', 'bin', 'git-kv.js')).size).to.be.lessThan(450_000);
  });

  it('the other reads load oclif, and nothing that only writing needs', async () => {
    const sources = sourcesOf(
      (await scriptsOf(place, ['history', 'a', '--offline'])).filter((path) => /later|chunks/.test(path)),
    );
    expect(
      sources.filter((source) => /apps\/cli\/plugins\/(installed|oclif-plugins)/.test(source)),
      'plugins that nobody uses',
    ).to.deep.equal([]);
    const packages = packagesOf(sources);
    expect(packages).to.include('@oclif/core');
    for (const name of ['blake3', 'yaml', 'class-validator', 'ssh2']) expect(packages).not.to.include(name);
  });
});
