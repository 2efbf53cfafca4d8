import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

  it('is of declarations that stand alone: whatever they import is in the package', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly files: readonly string[] };
    const packed = (file: string): boolean =>
      files.some((entry) => {
        const [folder, rest] = entry.split('/*');
        if (rest === undefined) return `dist/${file}` === entry || `dist/${file}`.startsWith(`${entry}/`);
        return dirname(`dist/${file}`) === folder;
      });
    const reached = new Set(['apps/sdk/index.d.ts']);
    for (const file of reached) {
      const text = readFileSync(join(BUILD, file), 'utf8');
      for (const [, from = ''] of text.matchAll(/^(?:import|export) .*? from '([^']+)'/gm)) {
        expect(from, file).to.match(/^\.{1,2}\//); // no package, whose types the caller may not have
        reached.add(join(dirname(file), from.replace(/\.js$/, '.d.ts')));
      }
    }
    expect([...reached].filter((file) => !packed(file))).to.deep.equal([]);
    expect(reached.size).to.be.greaterThan(10);
  });
});
