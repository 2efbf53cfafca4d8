import { KvError } from '../../../ports/error.js';
import { parseRepositoryPath } from '../../../ports/grammar/repository-name.js';
import type { ProvenKey } from '../ssh/auth.js';
import { noRepository, pusherBy, type Reach } from '../ssh/reach.js';
import type { ServedRepository } from '../serving/served-repository.js';
import type { KeyIndex } from './key-index.js';
import type { Visit } from './open-repositories.js';

interface RootReach {
  readonly index: KeyIndex;
  /** Looks at the policies anew, at most so often as is good for the disk. */
  readonly look: () => Promise<void>;
  readonly visit: (name: string) => Promise<Visit<ServedRepository>>;
}

/**
 * Leads to one of many repositories. A repository that isn't there, one that doesn't list the key, and a name that is none are refused by the same
 * words after the same look, and nothing is opened for it.
 */
export function reachBelow({ index, look, visit }: RootReach): Reach {
  return async (path, key) => {
    const parsed = parseRepositoryPath(path);
    const name = parsed === null ? '' : `${parsed.owner}/${parsed.name}`;
    if (!isListed(index, name, key)) {
      await look(); // made, or its policy changed, a moment ago
      if (!isListed(index, name, key)) throw noRepository(path);
    }
    const { repository, leave } = await visit(name);
    const pusher = () => pusherBy(repository.identify, key);
    try {
      pusher();
    } catch (error) {
      leave();
      throw KvError.is(error) && error.code === 'POLICY_VIOLATION' ? noRepository(path) : error;
    }
    return { route: repository.route, name, pusher, leave };
  };
}

const isListed = (index: KeyIndex, name: string, key: ProvenKey | undefined): boolean =>
  key !== undefined && name !== '' && index.lists(name, key.blob);
