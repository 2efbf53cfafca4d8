import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Composition, openProfile } from '../../../../plugins/host/index.js';
import type { Clock } from '../../../../ports/clock.js';
import { KvError } from '../../../../ports/error.js';
import { type Limits, USUAL_LIMITS } from '../../../../ports/stargate/limits.js';
import { CONNECTIONS_PER_KEY, type PolicyReader } from '../../../../ports/stargate/policy-reader.js';
import type { Tracing } from '../../../../ports/tracing.js';
import { type Keyring, namedKeys, openKeyring, shownKeys } from '../../host-key/keyring.js';
import { makeFirstKey } from '../../host-key/make-keys.js';
import type { Log } from '../../log/log.js';
import { createMetrics, type Metrics } from '../../metrics.js';
import { ownEnv } from '../../process/environment.js';
import type { UndoStack } from '../../process/undo.js';
import type { SshLimits } from '../../ssh/server.js';
import { chooseProfile, type ProfileChoice } from '../../stargate-profile.js';
import { Catalogue } from '../folders/catalogue.js';
import { sweepDrafts } from '../folders/make-repository.js';
import { policyOfRoot } from '../folders/template.js';
import { SummedMetrics } from '../summed-metrics.js';

/** What all repositories of a root share. */
export interface RootShared {
  readonly composition: Composition;
  readonly reader: PolicyReader;
  readonly clock: Clock;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  readonly summed: SummedMetrics;
  readonly catalogue: Catalogue;
  readonly keyring: Keyring;
  /** The bounds of the root's own policy, or the usual ones. */
  readonly bounds: Limits;
  /** What connections are held to. */
  readonly limits: SshLimits;
  /** Of the root's own policy, bytes; null: a share of the disk. */
  readonly minFreeSpace: number | null;
}

interface SharedOptions {
  readonly root: string;
  readonly choice: ProfileChoice;
  readonly log: Log;
  /** Called when the host keys have changed. */
  readonly keysChanged: () => Promise<void>;
}

/** Makes the root ready, and opens what its repositories share. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function openShared(running: Pick<UndoStack, 'push'>, options: SharedOptions): Promise<RootShared> {
  const { root, log, keysChanged } = options;
  await mkdir(join(root, '.stargate'), { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new KvError('CONFIG_INVALID', `cannot use ${root}: ${cause.code ?? cause.message}`, { cause });
  });
  await sweepDrafts(root).catch((cause: Error) => log.warn('drafts.left', { error: cause.message })); // they take room, and no more
  const isFirst = await makeFirstKey(root);
  const composition = await openProfile(await chooseProfile(options.choice), { directory: root, env: ownEnv() });
  running.push(() => composition.close());
  const reader = await composition.get<PolicyReader>('policy-reader');
  const clock = await composition.get<Clock>('clock');
  const tracing = await composition.get<Tracing>('tracing');
  const metrics = createMetrics();
  metrics.spansLost(() => tracing.lost);
  const own = await policyOfRoot(root, reader);
  const bounds = own?.limits ?? USUAL_LIMITS;
  const keyring = await openKeyring({ gitDir: root, log, now: () => clock.now(), onChange: keysChanged });
  running.push(() => keyring.close());
  if (isFirst) log.warn('host-key.made', { kinds: ['ed25519'], keys: shownKeys(namedKeys(keyring.current)) });
  return {
    ...{ composition, reader, clock, tracing, metrics, keyring, bounds },
    ...{ summed: new SummedMetrics(metrics), catalogue: new Catalogue(root), minFreeSpace: own?.minFreeSpace ?? null },
    limits: { ...bounds, connectionsPerKey: own?.maxConnectionsPerKey ?? CONNECTIONS_PER_KEY },
  };
}
