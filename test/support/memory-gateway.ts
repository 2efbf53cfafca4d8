import { createMetrics } from '../../apps/stargate/metrics.js';
import { type GatewayHost, startGateway } from '../../apps/stargate/leader/gateway-host.js';
import type { Principal } from '../../domain/access/principal.js';
import { type Composition, findProfile, openProfile, type Profile } from '../../plugins/host/index.js';
import type { Clock } from '../../ports/clock.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Journal, JournalRecord } from '../../ports/journal.js';
import type { LeaderLock, Lease } from '../../ports/leader-lock.js';
import type { MirrorTarget } from '../../ports/mirror-target.js';
import type { PolicyReader } from '../../ports/policy-reader.js';
import type { ObjectFormat, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { copyReachable } from './copy-objects.js';
import { SILENT } from './silent-log.js';

export interface MemoryGatewayOptions {
  readonly format: ObjectFormat;
  /** The policy's text. */
  readonly policy: string;
}

/** What a client pushes: ref moves, and the store that has their objects. */
export interface MemoryPush {
  readonly pusher: Principal;
  readonly atomic: boolean;
  readonly commands: readonly RefUpdate[];
  readonly objects: GitStore;
}

/** A whole gateway with its mirror in this process: the adapters of the profile `memory`, put together as the daemon does it. */
export class MemoryGateway {
  private constructor(
    private readonly composition: Composition,
    private readonly host: GatewayHost,
    readonly store: GitStore,
    readonly mirror: MirrorTarget,
    readonly lease: Lease,
  ) {}

  static async start({ format, policy: text }: MemoryGatewayOptions): Promise<MemoryGateway> {
    const composition = await openProfile(await memoryProfile(format), { directory: '/nonexistent', env: process.env });
    const lease = await (await composition.get<LeaderLock>('leader-lock')).acquire('memory');
    if (lease === null) throw new Error('a lock of its own was expected to be free');
    const policy = (await composition.get<PolicyReader>('policy-reader')).parse(text, 'policy.yaml');
    const metrics = createMetrics();
    const host = await startGateway({
      ...{ composition, lease, metrics, sampleSize: 64, log: SILENT },
      journal: await composition.get<Journal>('journal'),
      policy: () => policy,
    });
    await host.publish(text);
    const store = await composition.get<GitStore>('git-store');
    return new MemoryGateway(composition, host, store, await composition.get<MirrorTarget>('mirror-target'), lease);
  }

  /** Both steps of a push. What is refused leaves no object. Throws what the pusher is to see. */
  async push({ pusher, atomic, commands, objects }: MemoryPush): Promise<void> {
    const quarantine = await this.store.openQuarantine(null);
    const tips = commands.flatMap(({ next }) => next ?? []);
    try {
      await copyReachable(objects, quarantine, tips);
      const accepted = await this.host.gateway.validate({ pusher, atomic, commands }, quarantine);
      try {
        await quarantine.accept();
      } catch (error) {
        this.host.gateway.abandon(accepted);
        throw error;
      }
      await this.host.gateway.commit(accepted);
    } finally {
      await quarantine.close();
    }
  }

  refs(): Promise<Map<RefName, Oid>> {
    return this.store.refs(['refs/']);
  }

  async journal(): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    for await (const record of (await this.composition.get<Journal>('journal')).replay()) records.push(record);
    return records;
  }

  /** Resolves when the mirror shows all that was accepted. */
  async mirrored(): Promise<void> {
    const clock = await this.composition.get<Clock>('clock');
    while (this.host.worker.status().backlog > 0) await clock.sleep(1);
  }

  async close(): Promise<void> {
    await this.host.stop();
    await this.lease.release();
    await this.composition.close();
  }
}

/** The built-in profile, with a store of the object format. */
async function memoryProfile(objectFormat: ObjectFormat): Promise<Profile> {
  const profile = await findProfile('memory');
  const store = { use: 'git-memory', config: { objectFormat }, line: 1, wrap: [] };
  return { ...profile, adapters: { ...profile.adapters, 'git-store': store } };
}
