import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../support/root.js';

const LAYERS = ['ports', 'domain', 'adapters', 'plugins', 'apps', 'test/contracts'];
const DECLARATION = /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|class|const|interface|type|enum) (\w+)/;
/** What may stand between a declaration and its docstring: a decorator, and what is said to the linter. */
const BETWEEN = /^(?:@\w+\(|\/\/ biome-ignore )/;

/** The exported declarations of a source that no docstring stands above, as `line name`. */
function undocumented(source: string): string[] {
  const lines = source.split('\n');
  return lines.flatMap((line, i) => {
    const name = DECLARATION.exec(line)?.[1];
    if (name === undefined) return [];
    let above = i - 1;
    while (BETWEEN.test(lines[above] ?? '')) above--;
    return lines[above]?.endsWith('*/') === true ? [] : [`${i + 1} ${name}`];
  });
}

describe('docstrings', () => {
  it('are missed where there are none, and found above decorators', () => {
    expect(undocumented('export const a = 1;\n\n/** B. */\nexport const b = 1;\nexport async function c() {}\n')).to.deep.equal([
      '1 a',
      '5 c',
    ]);
    expect(undocumented('/**\n * D.\n */\n@Check()\nexport class D {}\n\n/** E. */\n\nexport type E = 1;\n')).to.deep.equal([
      '9 E',
    ]);
    expect(undocumented('interface Own {}\n')).to.deep.equal([]);
  });

  for (const layer of LAYERS) {
    it(`say what each exported declaration of ${layer}/ is`, () => {
      const found = readdirSync(join(ROOT, layer), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.startsWith(join('host', 'builtin-')))
        .flatMap((name) => undocumented(readFileSync(join(ROOT, layer, name), 'utf8')).map((at) => `${layer}/${name}:${at}`));
      expect(found).to.deep.equal([]);
    });
  }
});
