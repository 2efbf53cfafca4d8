import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { openFetchRecord } from '../../../../adapters/git-cli/remote/fetch/fetch-record.js';
import { fetchRecordContract } from '../../../contracts/fetch-record.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

fetchRecordContract('git-cli', async () => {
  const sandbox = new Sandbox();
  const directory = sandbox.path('clone');
  sandbox.run('git', ['init', '-q', directory]);
  return { open: () => openFetchRecord({ directory, env: sandbox.env }), dispose: async () => sandbox.remove() };
});

describe('git-cli: the record of fetches', () => {
  it('forgives a damaged file', async () => {
    const sandbox = new Sandbox();
    const directory = sandbox.path('clone');
    try {
      sandbox.run('git', ['init', '-q', directory]);
      mkdirSync(`${directory}/.git/kv`);
      writeFileSync(`${directory}/.git/kv/fetched.json`, '{"fetched":[1],"abs');
      const record = await openFetchRecord({ directory, env: sandbox.env });
      expect(await record.lastFetch('origin', 'read', 'main')).to.equal(null);
      await record.markFetched('origin', 'read', 'main', 9);
      expect(await record.lastFetch('origin', 'read', 'main')).to.equal(9);
    } finally {
      sandbox.remove();
    }
  });
});
