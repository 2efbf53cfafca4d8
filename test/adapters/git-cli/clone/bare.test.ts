import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { GIT_CLI_CAPABILITIES } from '../../../../adapters/git-cli/open.js';
import { open } from '../../../../adapters/git-cli/open-bare.js';
import { gitStoreContract } from '../../../contracts/git-store.js';
import { alone } from '../../../support/alone.js';
import { isolatedEnv } from '../../../support/worlds/isolated-env.js';
import { temporaryFolder } from '../../../support/temporary.js';

gitStoreContract('git-bare', GIT_CLI_CAPABILITIES, async (format) => {
  const folder = await temporaryFolder();
  const context = alone(folder.path, isolatedEnv(folder.path));
  const directory = join(folder.path, 'r.git');
  return {
    store: await open({ directory, create: format }, context),
    async fillQuarantine(objects) {
      const elsewhere = join(folder.path, 'elsewhere.git');
      const other = await open({ directory: elsewhere, create: format }, context);
      await other.write(objects);
      await other.close();
      const path = join(directory, 'objects', 'tmp_objdir-incoming-Ab12cd');
      renameSync(join(elsewhere, 'objects'), path);
      return path;
    },
    cleanup: () => folder.remove(),
  };
});
