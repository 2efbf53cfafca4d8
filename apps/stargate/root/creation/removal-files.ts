import { join } from 'node:path';
import { decodeRemoval } from '../../../../domain/gateway/creation/removal-wire.js';
import type { RemovalStore } from '../../../../domain/gateway/creation/removals.js';
import { KvError } from '../../../../ports/error.js';
import { parseRepositoryName } from '../../../../ports/grammar/repository-name.js';
import { readKept } from '../../repository/kept-file.js';
import { OWN_ID } from '../../repository/own-id.js';
import type { Catalogue } from '../folders/catalogue.js';
import { moveAside } from '../folders/move-aside.js';
import { appendLine, readLines } from './ndjson-file.js';

/** Closes a repository that nobody uses; false when somebody does. */
export type Release = (name: string) => Promise<boolean>;

/** What a server keeps of removals below its root: a line each in `.stargate/removed.ndjson`; what was removed lies in `.stargate/removed`. */
export function removalFiles(catalogue: Catalogue, release: Release): RemovalStore {
  const file = join(catalogue.root, '.stargate', 'removed.ndjson');
  const idOf = async (repository: string): Promise<string | null> => {
    const name = parseRepositoryName(repository);
    const folder = name === null ? null : await catalogue.find(name);
    return folder === null ? null : ((await readKept(join(folder, OWN_ID)))?.trim() ?? null);
  };
  return {
    removed: async () => (await readLines(file)).map(decodeRemoval),
    append: (removal) => appendLine(file, JSON.stringify(removal)),
    idOf,
    async takeAway({ repository, repositoryId }) {
      if (!(await release(repository))) throw new KvError('BUSY', `${repository} is in use`, { hint: 'it is tried again' });
      const name = parseRepositoryName(repository);
      if (name === null || (await idOf(repository)) !== repositoryId) return; // it is gone by now
      await moveAside(catalogue, name);
    },
  };
}
