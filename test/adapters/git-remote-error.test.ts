import { expect } from 'chai';
import { shownUrl } from '../../adapters/git-cli/remote/remote-error.js';

describe('git-cli: an address in a message', () => {
  for (const [url, shown] of [
    ['https://ghp_SECRET@github.com/your-org/kv.git', 'https://github.com/your-org/kv.git'],
    ['https://ada:p@ss@example.org/kv.git', 'https://example.org/kv.git'],
    ['ssh://git:secret@stargate.local:2222/kv.git', 'ssh://git@stargate.local:2222/kv.git'],
    ['ssh://git@stargate.local:2222/kv.git', 'ssh://git@stargate.local:2222/kv.git'],
    ['git@github.com:your-org/kv.git', 'git@github.com:your-org/kv.git'],
    ['https://example.org/a@b/kv.git', 'https://example.org/a@b/kv.git'],
    ['/srv/git/kv@old.git', '/srv/git/kv@old.git'],
  ] as const) {
    it(`${url} is shown as ${shown}`, () => {
      expect(shownUrl(url)).to.equal(shown);
    });
  }
});
