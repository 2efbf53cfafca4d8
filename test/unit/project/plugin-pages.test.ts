import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFiles } from '../../../apps/cli/plugins/templates.js';
import { SETTING_NAMES } from '../../../apps/stargate/settings/table.js';
import { openProfile, parseProfile } from '../../../plugins/host/index.js';
import { PORT_NAMES } from '../../../ports/tokens.js';
import * as suites from '../../contracts/index.js';
import { ROOT } from '../../support/root.js';

const page = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block ?? '');

describe('the pages of profiles and plugins', () => {
  it('show profiles that can be opened, every setting, and every wrapper', async () => {
    const text = page('PROFILES.md');
    const shown = blocks(text, 'yaml');
    expect(shown).not.to.deep.equal([]);
    for (const yaml of shown) {
      const composition = await openProfile(await parseProfile(yaml, 'mine.yaml'), { directory: ROOT, env: {} });
      await composition.values();
      await composition.close();
    }
    for (const name of SETTING_NAMES.filter((each) => each !== 'profile')) expect(text).to.contain(`\`${name}\``);
    for (const wrapper of ['breaker', 'retry', 'trace']) expect(text).to.contain(`| \`${wrapper}\``);
  });

  it('have a row for every port, with its suite', () => {
    const rows = [...page('PLUGINS.md').matchAll(/^\| `([a-z-]+)` \| (?:`(\w+Contract)`|–) \|/gm)];
    expect(rows.map(([, port]) => port)).to.have.members([...PORT_NAMES]);
    for (const [, port, suite] of rows) if (suite !== undefined) expect(suites, port).to.have.property(suite);
  });

  it('show the smallest plugin as it is written', () => {
    const [smallest] = blocks(page('PLUGINS.md'), 'ts');
    expect(smallest).to.equal(packageFiles('mirror', 'carried', '')['src/index.ts']);
  });
});
