import { MirrorStage } from '../../../domain/gateway/sync/stage.js';
import type { SidesContext } from '../../../domain/gateway/sync/relations.js';
import type { StandingObserver } from '../../../domain/gateway/sync/standing.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';

/**
 * What comparing the repository of a composition with its mirror takes. `repositoryId` is the id of that repository, null where it is not
 * known: what the mirror has beyond is then not held against it.
 */
export async function sidesContext(
  composition: Composition,
  policy: () => Policy,
  sampleSize: number,
  repositoryId: string | null,
): Promise<SidesContext> {
  const store = await composition.get<GitStore>('git-store');
  const target = await composition.get<MirrorTarget>('mirror-target');
  return {
    ...{ store, target, policy, sampleSize, stage: new MirrorStage(store, target) },
    namer: new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat),
    verifier: await composition.get<SignatureVerifier>('signature-verifier'),
    randomness: await composition.get<Randomness>('randomness'),
    clock: await composition.get<Clock>('clock'),
    // What was accepted before the policy required it names none.
    ...(repositoryId === null ? {} : { repository: { id: repositoryId, required: false } }),
  };
}

/** Turns what a look at the mirror finds into log lines and a metric. */
export function observeStanding(metrics: Metrics, log: Log): StandingObserver {
  const behind = new Set<string>();
  const tell = (): void => metrics.behindMirror(behind.size);
  return {
    behind(ns, { message, code, details }) {
      behind.add(ns);
      tell();
      log.error('mirror.ahead', { code, message, ...details });
    },
    caughtUp(ns) {
      behind.delete(ns);
      tell();
      log.info('mirror.caught-up', { ns });
    },
  };
}
