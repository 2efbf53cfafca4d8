import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { EXIT_CODES } from '../../../apps/exit-codes.js';
import { encodeLayout } from '../../../domain/index/layout.js';
import { ERROR_CODES } from '../../../ports/error.js';

const ROOT = new URL('../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

describe('documentation', () => {
  it('ERRORS.md has every code with its exit status, and no other', () => {
    const rows = [...read('docs/ERRORS.md').matchAll(/^\| (\d+) \| `([A-Z_]+)` \|/gm)].map(([, exit, code]) => [
      code,
      Number(exit),
    ]);
    expect(Object.fromEntries(rows)).to.deep.equal(EXIT_CODES);
    expect(rows.map(([code]) => code).sort()).to.deep.equal([...ERROR_CODES].sort());
  });

  it('every code is thrown somewhere', () => {
    const sources = ['domain', 'adapters', 'apps', 'plugins', 'ports'].flatMap((dir) =>
      readdirSync(new URL(dir, ROOT), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('exit-codes.ts'))
        .map((name) => read(`${dir}/${name}`)),
    );
    const text = sources.join('\n').replace(/export const ERROR_CODES[\s\S]*?as const/, '');
    expect(ERROR_CODES.filter((code) => !text.includes(`'${code}'`))).to.deep.equal([]);
  });

  it('FORMAT.md shows the layout that is written, and the names of the refs', () => {
    const text = read('docs/FORMAT.md');
    expect(text).to.include(new TextDecoder().decode(encodeLayout()));
    for (const ref of ['kv', 'kv-index', 'kv-epoch', 'kv-chunks', 'kv-archive', 'kv-watchlog', 'kv-mirror', 'kv-policy']) {
      expect(text).to.include(`refs/${ref}/`);
    }
  });

  it('ARCHITECTURE.md names every folder of the house and every adapter', () => {
    const text = read('docs/ARCHITECTURE.md');
    for (const dir of ['ports', 'domain', 'adapters', 'plugins', 'apps', 'test', 'bench']) expect(text).to.include(`${dir}/`);
    const adapters = readdirSync(new URL('adapters', ROOT), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(adapters.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('every document that another one points to is there', () => {
    for (const doc of [
      'README.md',
      ...readdirSync(new URL('docs', ROOT))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ]) {
      for (const [, target] of read(doc).matchAll(/\]\((?!http)([^)#]+)/g)) {
        expect(existsSync(new URL(target as string, new URL(doc, ROOT))), `${doc} → ${target}`).to.equal(true);
      }
    }
  });
});
