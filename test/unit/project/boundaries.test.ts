import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ROOT } from '../../support/root.js';
import { temporaryFolder } from '../../support/temporary.js';

interface Violation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

const { folderCircles, violations } = (await import(pathToFileURL(join(ROOT, 'scripts', 'boundaries.mjs')).href)) as {
  folderCircles(root: string): string[][];
  violations(root: string): Promise<Violation[]>;
};

const { forbidden } = createRequire(import.meta.url)(join(ROOT, '.dependency-cruiser.cjs')) as {
  forbidden: { name: string; comment?: string }[];
};

/** A file and its text that break a rule, for each rule; `import type` counts as much as a value. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'ports-stand-alone': { 'ports/a.ts': "import type { Stats } from 'node:fs';\nexport type A = Stats;\n" },
  'domain-is-pure': { 'domain/a.ts': "import { parse } from 'yaml';\nexport const a = parse('1');\n" },
  'two-sides-share-rules-alone': {
    'domain/client/a.ts': "import type { G } from '../gateway/g.js';\nexport type A = G;\n",
    'domain/gateway/b.ts': "export { c } from '../client/c.js';\n",
  },
  'rules-take-no-side': {
    'domain/verify/a.ts': "import type { G } from '../gateway/g.js';\nexport type A = G;\n",
    'domain/verify/b.ts': "export { c } from '../client/c.js';\n",
  },
  'adapters-know-ports-only': { 'adapters/x/a.ts': "import type { D } from '../../domain/d.js';\nexport type A = D;\n" },
  'adapters-ignore-each-other': { 'adapters/x/a.ts': "export { y } from '../y/y.js';\n" },
  'apps-compose-through-the-host': { 'apps/cli/a.ts': "export const load = () => import('../../adapters/y/y.js');\n" },
  'stargate-runs-no-programs': {
    'apps/stargate/a.ts': "import { spawn } from 'node:child_process';\nexport const a = spawn;\n",
  },
  'apps-ignore-each-other': { 'apps/cli/a.ts': "import { type S } from '../stargate/s.js';\nexport type A = S;\n" },
  'http-is-for-servers': { 'apps/cli/a.ts': "export type { H } from '../http/h.js';\n" },
  'sdk-is-for-clones': { 'apps/stargate/a.ts': "export { k } from '../sdk/k.js';\n" },
  'host-knows-no-app': { 'plugins/host/a.ts': "export * from '../../apps/stargate/s.js';\n" },
  'host-registry-is-lazy': {
    'plugins/host/builtin-adapters.ts': "import { y } from '../../adapters/y/y.js';\nexport const a = y;\n",
  },
  'examples-are-outsiders': { 'plugins/example-x/a.ts': "export type { H } from '../host/h.js';\n" },
  'product-without-tests': { 'plugins/other/a.ts': "export { t } from '../../test/t.js';\n" },
  'contracts-stand-alone': { 'test/contracts/a.ts': "import fc from 'fast-check';\nexport const a = fc;\n" },
  'no-development-packages': { 'apps/cli/a.ts': "import { expect } from 'chai';\nexport const a = expect;\n" },
  'no-cycles': {
    'ports/a.ts': "export type { B } from './b.js';\nexport type A = 1;\n",
    'ports/b.ts': "export type { A } from './a.js';\nexport type B = 1;\n",
  },
  'nothing-missing': { 'apps/cli/a.ts': "export { no } from './no.js';\n" },
};

const SOUND: Readonly<Record<string, string>> = {
  'ports/p.ts': 'export type P = 1;\n',
  'domain/d.ts': "import type { P } from '../ports/p.js';\nexport type D = P;\n",
  'domain/gateway/g.ts': 'export type G = 1;\n',
  'domain/client/c.ts': 'export const c = 1;\n',
  'adapters/y/y.ts':
    "import { parse } from 'yaml';\nimport type { P } from '../../ports/p.js';\nexport const y: P = parse('1');\n",
  'plugins/host/h.ts': 'export type H = 1;\n',
  'plugins/host/builtin-adapters.ts': "export const all = [() => import('../../adapters/y/y.js')];\n",
  'apps/http/h.ts': 'export type H = 1;\n',
  'apps/sdk/k.ts': 'export const k = 1;\n',
  'apps/stargate/s.ts':
    "export type { H } from '../../plugins/host/h.js';\nexport type { H as M } from '../http/h.js';\nexport type S = 1;\n",
  'test/contracts/c.ts':
    "import { expect } from 'chai';\nimport { hash } from 'node:crypto';\nimport type { P } from '../../ports/p.js';\n" +
    'export const c = [expect, hash];\nexport type C = P;\n',
  'test/t.ts': "import { y } from '../adapters/y/y.js';\nexport const t = y;\n",
};

async function place(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

describe('boundaries', () => {
  it('hold in the whole project', async () => {
    expect(await violations(ROOT)).to.deep.equal([]);
    expect(folderCircles(ROOT).map((circle) => circle.join(' -> '))).to.deep.equal([]);
  });

  it('keep folders beside each other from a circle, which no two of their files need to form', async () => {
    const folder = await temporaryFolder();
    await place(folder.path, SOUND);
    await place(folder.path, {
      'domain/client/read/r.ts': "import type { Q } from '../past/deep/q.js';\nexport type R = Q;\n",
      'domain/client/past/deep/q.ts': 'export type Q = 1;\n',
      'domain/client/top.ts': "export type { R } from './read/r.js';\nexport type T = 1;\n",
      'domain/client/past/p.ts': "export type { T } from '../top.js';\n",
    });
    expect(folderCircles(folder.path)).to.deep.equal([]);
    await place(folder.path, { 'domain/client/past/s.ts': "export type { S } from '../read/s.js';\n" });
    expect(folderCircles(folder.path)).to.deep.equal([['domain/client/past', 'domain/client/read', 'domain/client/past']]);
    await folder.remove();
  });

  it('have a rule with a reason for each, and each rule finds what breaks it', async () => {
    expect(forbidden.map((rule) => rule.name)).to.have.members(Object.keys(BROKEN));
    for (const { name, comment } of forbidden) {
      expect(comment, name).to.be.a('string').with.length.greaterThan(40);
      const folder = await temporaryFolder();
      await place(folder.path, { ...SOUND, ...BROKEN[name] });
      const found = await violations(folder.path);
      await folder.remove();
      expect([...new Set(found.map(({ rule }) => rule))], name).to.deep.equal([name]);
      if (name === 'no-cycles') continue; // a circle is told of once, and not of each file in it
      const breakers = Object.keys(BROKEN[name] ?? {}).map((path) => path.replace(/\.ts$/, '.js'));
      expect([...new Set(found.map(({ from }) => from))], name).to.have.members(breakers);
    }
  });
});
