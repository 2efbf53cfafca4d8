import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import * as sdk from '../../../apps/sdk/index.js';
import { BUILD, ROOT } from '../../support/root.js';

interface Exported {
  readonly name: string;
  readonly doc: string;
  readonly members: readonly { readonly name: string; readonly doc: string }[];
}

const { generateSdkDocs, sdkExports } = (await import(pathToFileURL(join(ROOT, 'scripts', 'generate-sdk-docs.mjs')).href)) as {
  generateSdkDocs(compiled: string): Map<string, string>;
  sdkExports(compiled: string): Exported[];
};

describe("the SDK's reference", () => {
  it('is what the docstrings say', () => {
    for (const [path, text] of generateSdkDocs(BUILD))
      expect(
        readFileSync(join(ROOT, path), 'utf8') === text,
        `${path} is stale: run node scripts/generate-sdk-docs.mjs`,
      ).to.equal(true);
  });

  it('has every name that is exported, each with a docstring, and so has each member', () => {
    const all = sdkExports(BUILD);
    const names = all.map(({ name }) => name);
    expect(names).to.include.members(Object.keys(sdk));
    // Every type that a file of the API declares is exported: whoever calls a method can name what it takes and gives.
    const declared = readdirSync(join(ROOT, 'apps/sdk/api')).flatMap((file) =>
      [...readFileSync(join(ROOT, 'apps/sdk/api', file), 'utf8').matchAll(/^(?:export )?(?:interface|type) (\w+)/gm)].map(
        ([, name]) => name,
      ),
    );
    expect(names).to.include.members(declared);
    expect(
      all.flatMap(({ name, doc, members }) => [
        ...(doc === '' ? [name] : []),
        ...members.filter((member) => member.doc === '').map((member) => `${name}.${member.name}`),
      ]),
    ).to.deep.equal([]);
  });

  it('is of declarations that stand alone: they import nothing that is not published', () => {
    const published = /^(?:\.\/|\.\.\/api\/|\.\.\/\.\.\/(?:\.\.\/)?ports\/)[\w./-]+$/;
    const files = [
      'index',
      'open/open-clone',
      ...readdirSync(join(ROOT, 'apps/sdk/api')).map((file) => `api/${file.slice(0, -3)}`),
    ];
    for (const file of files) {
      const text = readFileSync(join(BUILD, 'apps/sdk', `${file}.d.ts`), 'utf8');
      for (const [, from] of text.matchAll(/(?:from|import\() ?['"]([^'"]+)['"]/g)) expect(from, file).to.match(published);
    }
  });
});
