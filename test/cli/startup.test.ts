import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Place } from '../support/place.js';

/** The sources of every script that a command has loaded. */
async function loadedBy(place: Place, args: readonly string[]): Promise<string[]> {
  const folder = join(place.home, `coverage-${args.join('-')}`);
  mkdirSync(folder);
  await place.ok(args, { env: { NODE_V8_COVERAGE: folder } });
  const [report = ''] = readdirSync(folder);
  const { result } = JSON.parse(readFileSync(join(folder, report), 'utf8')) as { result: { url: string }[] };
  return result.flatMap(({ url }) => {
    if (!url.startsWith('file:')) return [];
    const map = `${fileURLToPath(url)}.map`;
    return existsSync(map) ? (JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] }).sources : [url];
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

  for (const [args, module] of [
    [['get', 'a', '--offline'], 'read'],
    [['list', '--offline'], 'list'],
  ] as const) {
    it(`${args[0]} loads no oclif, and nothing that only writing needs`, async () => {
      const sources = await loadedBy(place, args);
      expect(
        sources.some(
          (source) => source.endsWith(`domain/client/read/${module}.ts`) || source.endsWith(`domain/client/read/${module}.js`),
        ),
      ).to.equal(true);
      for (const name of [
        '@oclif/core',
        'blake3',
        'yaml',
        'class-validator',
        'class-transformer',
        'ssh2',
        'opossum',
        'prom-client',
      ]) {
        expect(packagesOf(sources)).not.to.include(name);
      }
      expect(
        sources.filter((source) =>
          /adapters\/(policy-yaml|signer-git|git-memory|tracing-\w+)|apps\/cli\/(hints|session\/traced)/.test(source),
        ),
      ).to.deep.equal([]);
    });
  }

  for (const args of [
    ['set', 'b', '1'],
    ['del', 'b'],
    ['cas', 'set', 'c', '1', '--expect-blob', 'none', '--no-wait'],
  ]) {
    it(`${args[0]} loads no oclif, and no reader of policies while there is none to read`, async () => {
      const sources = await loadedBy(place, args);
      expect(sources.some((source) => /domain\/client\/write\/write\.[jt]s$/.test(source))).to.equal(true);
      for (const name of ['@oclif/core', 'yaml', 'class-validator', 'class-transformer', 'ssh2'])
        expect(packagesOf(sources)).not.to.include(name);
    });
  }

  it('the other reads load oclif, and nothing that only writing needs', async () => {
    const sources = await loadedBy(place, ['history', 'a', '--offline']);
    expect(
      sources.filter((source) => /apps\/cli\/plugins\/(installed|oclif-plugins)/.test(source)),
      'plugins that nobody uses',
    ).to.deep.equal([]);
    const packages = packagesOf(sources);
    expect(packages).to.include('@oclif/core');
    for (const name of ['blake3', 'yaml', 'class-validator', 'ssh2']) expect(packages).not.to.include(name);
  });
});
