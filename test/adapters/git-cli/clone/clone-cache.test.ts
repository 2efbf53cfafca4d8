import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { openCloneCache } from '../../../../adapters/git-cli/config/clone-cache.js';
import { cloneCacheContract } from '../../../contracts/clone-cache.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

cloneCacheContract('git-cli', async () => {
  const sandbox = new Sandbox();
  const directory = sandbox.path('clone');
  sandbox.run('git', ['init', '-q', directory]);
  return { open: () => openCloneCache({ directory, env: sandbox.env }), dispose: async () => sandbox.remove() };
});

describe('git-cli: what a clone keeps', () => {
  it('does without where it can keep nothing, and leaves no litter', async () => {
    const sandbox = new Sandbox();
    const directory = sandbox.path('clone');
    try {
      sandbox.run('git', ['init', '-q', directory]);
      mkdirSync(`${directory}/.git/kv`);
      writeFileSync(`${directory}/.git/kv/cache`, 'a file where a folder should be');
      const cache = await openCloneCache({ directory, env: sandbox.env });
      await cache.put('policy', 'text');
      expect(await cache.get('policy')).to.equal(null);
      expect(readdirSync(`${directory}/.git/kv`)).to.deep.equal(['cache']);
    } finally {
      sandbox.remove();
    }
  });
});
