import { expect } from 'chai';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { NODEGIT_CAPABILITIES, openNodegitStore } from '../../adapters/nodegit/open.js';
import { gitStoreContract } from '../contracts/git-store.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { BUILT_FOR_ANOTHER_NODE, NO_NODEGIT, needsNodegit } from '../support/needs/with-nodegit.js';

if (NO_NODEGIT === null) {
  gitStoreContract('nodegit', NODEGIT_CAPABILITIES, async (format) => {
    const sandbox = new Sandbox();
    const directory = sandbox.bare('r.git', format);
    const store = await openNodegitStore({ directory, env: sandbox.env });
    return {
      store,
      async fillQuarantine(objects) {
        const elsewhere = await openNodegitStore({ directory: sandbox.bare('elsewhere.git', format), env: sandbox.env });
        await elsewhere.write(objects);
        await elsewhere.close();
        const path = join(directory, 'objects', 'tmp_objdir-incoming-Ab12cd');
        renameSync(sandbox.path('elsewhere.git/objects'), path);
        return path;
      },
      cleanup: async () => sandbox.remove(),
    };
  });
} else if (BUILT_FOR_ANOTHER_NODE) {
  it('git-store contract: nodegit, built for another Node, says so', () => {
    expect(NO_NODEGIT).to.match(/built for another Node than this one|not installed/);
  });
} else {
  it('git-store contract: nodegit', function () {
    needsNodegit(this);
  });
}
