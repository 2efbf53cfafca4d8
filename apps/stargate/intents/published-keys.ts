import { publishedSequencers } from '../../../domain/gateway/commit/policy-ref.js';
import { sequencerKey } from '../../../domain/ledger/intent/sequencer-keys.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy, PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { OwnKey } from '../../ssh-signature.js';

/**
 * The keys that readers hold sequenced ledgers against: this Stargate's own, and all that were published before, since what they have
 * signed stays. None where no namespace ever was sequenced.
 */
export async function sequencersToPublish(store: GitStore, { namespaces }: Policy, { material }: OwnKey): Promise<PolicyKey[]> {
  const published = await publishedSequencers(store);
  const sequenced = [...namespaces.values()].some(({ ledgerMode }) => ledgerMode === 'sequenced');
  if (!sequenced) return published;
  return [sequencerKey(material), ...published.filter((key) => key.material !== material)];
}
