import { join } from 'node:path';
import { expect } from 'chai';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import type { MirrorTarget } from '../../ports/index.js';
import { mirrorBench } from '../support/worlds/mirror-bench.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { BUILD } from '../support/root.js';

const profile = (adapter: string) =>
  parseProfile(
    `name: carried\nplugins: [./example-mirror-folder/manifest.js]\nadapters:\n  mirror-target: ${adapter}\n`,
    join(BUILD, 'plugins', 'carried.yaml'),
  );

for (const [name, adapter] of [
  ['mirror-folder', '{ use: mirror-folder, config: { folder: ../mirror.git } }'],
  ['mirror-breaker around it', '{ use: mirror-folder, config: { folder: ../mirror.git }, wrap: [mirror-breaker] }'],
] as const) {
  mirrorTargetContract(`example plugin ${name}`, () =>
    mirrorBench(
      'sha256',
      async ({ stargate, env }) => {
        const composition = await openProfile(await profile(adapter), { directory: stargate, env });
        return composition.get<MirrorTarget>('mirror-target');
      },
      { mirrorExists: false },
    ),
  );
}

describe('example plugin mirror-folder', () => {
  it('has its configuration checked', async () => {
    const composition = await openProfile(await profile('mirror-folder'), { directory: '/nonexistent', env: {} });
    expect((await thrownBy(composition.get('mirror-target'))).code).to.equal('CONFIG_INVALID');
  });
});
