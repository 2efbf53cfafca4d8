import { COMPACT, type CompactArguments, type CompactReport } from '../../admin/compact.js';
import { askStargate } from '../../admin/verb.js';
import { KvError } from '../../../ports/error.js';
import { absentNamespace, unlistedNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone } from '../clone/clone.js';

/** Has the Stargate drop past epochs. Throws what it throws; a namespace that the policy doesn't list is told as a read tells it. */
export async function compactEpochs(clone: Clone, args: CompactArguments): Promise<CompactReport> {
  try {
    return await askStargate(clone.stargate, clone.remoteName, COMPACT, args);
  } catch (error) {
    const isAbsent = KvError.is(error) && error.code === 'NOT_FOUND';
    if (!isAbsent || (await unlistedNamespace(clone, args.ns)) === null) throw error;
    throw await absentNamespace(clone, args.ns);
  }
}
