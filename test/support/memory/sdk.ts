import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import { withObjectMemory } from '../../../domain/git/object-memory.js';
import type { Clone, OpenCloneOptions } from '../../../apps/sdk/index.js';
import { cloneOf } from '../../../apps/sdk/open/clone-of.js';
import type { PortName } from '../../../ports/tokens.js';
import { openMemoryClient } from './client.js';
import type { MemoryGateway } from './gateway.js';

/** The SDK's clone of a gateway in this process. `around` may stand between it and its ports. */
export async function openMemoryClone(
  gateway: MemoryGateway,
  person: string,
  options: Partial<OpenCloneOptions> = {},
  around: (clone: DomainClone) => DomainClone = (clone) => clone,
): Promise<Clone> {
  const { clone: opened, verifier, close } = await openMemoryClient(gateway, person);
  const clone = around({ ...opened, store: withObjectMemory(opened.store) });
  const get = async <T>(port: PortName): Promise<T> => (port === 'signature-verifier' ? verifier : clone.store) as T;
  return cloneOf({ clone, composition: { get, close } }, { ...options, ns: options.ns ?? 'main' });
}

/** The same clone; each of its fetches is told of. */
export function countingFetches(clone: DomainClone, onFetch: () => void): DomainClone {
  const { remotes } = clone;
  const fetch: typeof remotes.fetch = (...args) => {
    onFetch();
    return remotes.fetch(...args);
  };
  return { ...clone, remotes: { ...remotes, fetch } };
}
