import { adoptedKeys } from '../../../domain/gateway/epochs/adopted-keys.js';
import type { AdoptionContext } from '../../../domain/gateway/epochs/verify-adopted.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Randomness } from '../../../ports/clock.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';

/** What verifies the namespaces of a repository that holds what was fetched, with the keys of the policies in it. */
export async function adoptionContext(composition: Composition): Promise<AdoptionContext> {
  const store = await composition.get<GitStore>('git-store');
  return {
    store,
    namer: new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat),
    verifier: await composition.get<SignatureVerifier>('signature-verifier'),
    randomness: await composition.get<Randomness>('randomness'),
    keysAtHand: await adoptedKeys(store, await composition.get<PolicyReader>('policy-reader')),
  };
}
