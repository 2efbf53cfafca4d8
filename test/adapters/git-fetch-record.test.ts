import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { openFetchRecord } from '../../adapters/git-cli/remote/fetch-record.js';
import { Sandbox } from '../support/sandbox.js';

describe('git-cli: the record of fetches', () => {
  it('remembers fetches by remote, direction and key, and forgives a damaged file', async () => {
    const sandbox = new Sandbox();
    const clone = sandbox.path('clone');
    try {
      sandbox.run('git', ['init', '-q', clone]);
      const record = await openFetchRecord({ directory: clone, env: sandbox.env });
      expect(await record.lastFetch('origin', 'read', 'main')).to.equal(null);
      await record.markFetched('origin', 'read', 'main', 1234);
      await record.markFetched('origin', 'write', 'main', 5678);
      const again = await openFetchRecord({ directory: clone, env: sandbox.env });
      expect(await again.lastFetch('origin', 'read', 'main')).to.equal(1234);
      expect(await again.lastFetch('origin', 'write', 'main')).to.equal(5678);
      expect(await again.lastFetch('origin', 'read', 'other')).to.equal(null);
      mkdirSync(`${clone}/.git/kv`, { recursive: true });
      writeFileSync(`${clone}/.git/kv/fetched.json`, '{"fetched":[1],"abs');
      expect(await again.lastFetch('origin', 'read', 'main')).to.equal(null);
      await again.markFetched('origin', 'read', 'main', 9);
      expect(await again.lastFetch('origin', 'read', 'main')).to.equal(9);
    } finally {
      sandbox.remove();
    }
  });
});
