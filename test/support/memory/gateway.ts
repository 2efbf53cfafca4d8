import { hostNamed, type MemoryHost } from '../../../adapters/mirror-memory/open.js';
import { type ArrivedStream, placeNamed, type ReceivedPush } from '../../../adapters/remote-memory/open.js';
import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { lacking } from '../../../adapters/remote-memory/lacking.js';
import type { SyncArguments, SyncReport } from '../../../domain/admin/sync.js';
import type { WorkerStatus } from '../../../domain/gateway/mirror/worker.js';
import type { CommitContext } from '../../../domain/gateway/commit/commit-refs.js';
import { publishedRepositoryId } from '../../../domain/gateway/commit/policy-ref.js';
import { newRepositoryId } from '../../../domain/ledger/repository-id.js';
import type { Gateway } from '../../../domain/gateway/door.js';
import { syncSides } from '../../../domain/gateway/sync/sync.js';
import { SmallPacks } from '../../../apps/stargate/cluster/objects/small-packs.js';
import { turnNews } from '../../../apps/stargate/admin/turn-news.js';
import { turnVerb } from '../../../apps/stargate/admin/turn.js';
import type { AskedToPush } from '../../../ports/git/git-remote.js';
import { createMetrics } from '../../../apps/stargate/metrics.js';
import { newPrivateKey, type OwnKey, ownKey } from '../../../apps/ssh-signature.js';
import { type GatewayHost, startGateway } from '../../../apps/stargate/leader/gateway-host.js';
import { type Composition, findProfile, openProfile, type Profile } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import { overlay } from '../../../domain/gateway/sequence/overlay.js';
import type { Ordered } from '../../../domain/git/wire/intent-frames.js';
import type { Journal, JournalRecord } from '../../../ports/stargate/journal.js';
import type { LeaderLock, Lease } from '../../../ports/stargate/leader-lock.js';
import { SessionTrace } from '../../../apps/stargate/session-trace.js';
import { NO_SPAN, type Tracing } from '../../../ports/tracing.js';
import type { LedgerMode, Policy, PolicyReader } from '../../../ports/stargate/policy-reader.js';
import { formatRejection } from '../../../ports/rejection.js';
import type { GitObject, ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import { greeting } from '../../../apps/stargate/intents/leader-intents.js';
import { IntentStream } from '../../../apps/stargate/intents/intent-stream.js';
import { bringsIntents, PushedIntents } from '../../../apps/stargate/push/pushed-intents.js';
import { arrivedSession, orderPushed } from './intents.js';
import { MemoryPeople } from './people.js';
import { SILENT } from '../silent-log.js';

export interface MemoryGatewayOptions {
  readonly format: ObjectFormat;
  /** Who may write; the first one is the admin. */
  readonly writers?: readonly string[];
  /** Changes the policy that init would write. */
  readonly policy?: (text: string) => string;
  /** Who has which key; nobody has one yet when absent. */
  readonly people?: MemoryPeople;
  /** How long its mirror refuses a namespace before readers are told, ms. */
  readonly tellReadersAfterMs?: number;
  /** Begins as a backup of another gateway, which is closed: with its name, its people, its mirror and its clients. */
  readonly restored?: MemoryBackup;
  /** Where its spans go. */
  readonly tracing?: Tracing;
  /** Has a cluster that this store belongs to decide what its commits move. */
  readonly cluster?: (store: GitStore) => Promise<NonNullable<CommitContext['replicate']>>;
}

/** What checks and orders intents. */
export type Orderer = Pick<Gateway, 'checkIntent' | 'order'>;

/** What a gateway had at one time. */
export interface MemoryBackup {
  readonly name: string;
  readonly people: MemoryPeople;
  readonly refs: ReadonlyMap<RefName, Oid>;
  readonly objects: readonly GitObject[];
}

/** Where one gateway and its clients meet, so that tests of one process have nothing in common. */
let started = 0;

/** A whole gateway with its mirror in this process: the adapters of the profile `memory`, put together as the daemon does it. */
export class MemoryGateway {
  readonly people: MemoryPeople;
  /** What the last push brought. */
  offered: readonly Oid[] = [];
  /** Asked for the policy that pushes are judged by. */
  policyNow: () => Policy;
  /** Called around the ordering of each intent that comes by a stream. */
  ordering: <T>(order: () => Promise<T>) => Promise<T> = (order) => order();
  /** What streams of intents are served with, in place of the gateway: something that is wrong on purpose. */
  around: (gateway: Orderer) => Orderer = (gateway) => gateway;
  private readonly streams = new AbortController();
  private readonly cuts: (() => void)[] = [];
  /** Asked whether who pushes still may. */
  confirm: () => void = () => undefined;

  private constructor(
    readonly name: string,
    private readonly composition: Composition,
    private readonly host: GatewayHost,
    readonly policy: Policy,
    people: MemoryPeople,
    readonly store: GitStore,
    readonly mirror: MemoryHost,
    readonly lease: Lease,
    private readonly policyText: string,
    readonly repositoryId: string,
    /** Signs what is made of intents. */
    readonly sequencer: OwnKey,
    private readonly tracing: Tracing | undefined,
  ) {
    this.people = people;
    this.policyNow = () => policy;
  }

  static async start(options: MemoryGatewayOptions): Promise<MemoryGateway> {
    const { format, writers = ['ada'], policy: change, restored, tellReadersAfterMs } = options;
    const name = restored?.name ?? `memory-gateway-${++started}`;
    const people = options.people ?? restored?.people ?? new MemoryPeople();
    const written = people.policyText(writers, ['main']);
    const text = change?.(written) ?? written;
    const composition = await openProfile(await memoryProfile(format, name), { directory: '/nonexistent', env: process.env });
    const lease = await (await composition.get<LeaderLock>('leader-lock')).acquire('memory');
    if (lease === null) throw new Error('a lock of its own was expected to be free');
    const policy = (await composition.get<PolicyReader>('policy-reader')).parse(text, 'policy.yaml');
    const metrics = createMetrics();
    const store = await composition.get<GitStore>('git-store');
    if (restored !== undefined) {
      await store.write(restored.objects);
      await store.updateRefs(
        [...restored.refs].map(([ref, next]) => ({ ref, old: null, next })),
        'restored',
      );
    }
    const randomness = await composition.get<Randomness>('randomness');
    const repositoryId = (await publishedRepositoryId(store)) ?? newRepositoryId(randomness);
    let gateway: MemoryGateway | undefined;
    const sequencer = ownKey(newPrivateKey());
    const replicate = await options.cluster?.(store);
    const host = await startGateway({
      ...(replicate === undefined ? {} : { replicate }),
      ...{ composition, lease, metrics, sampleSize: 64, log: SILENT },
      journal: await composition.get<Journal>('journal'),
      policy: () => gateway?.policyNow() ?? policy,
      hostKeys: () => [],
      sequencer,
      repositoryId,
      ...(tellReadersAfterMs === undefined ? {} : { tellReadersAfterMs }),
    });
    await host.publish(text);
    gateway = new MemoryGateway(
      name,
      composition,
      host,
      policy,
      people,
      store,
      hostNamed(name),
      lease,
      text,
      repositoryId,
      sequencer,
      options.tracing,
    );
    gateway.open();
    return gateway;
  }

  /** What a hook would write when it refuses a push; nothing when it is taken. Throws `IO_ERROR` for whom the policy doesn't know. */
  async receive({ as, atomic, commands, objects, turn, trace, say }: ReceivedPush): Promise<readonly string[]> {
    const pusher = as === null ? null : this.people.pusher(as, this.policy);
    if (pusher === null) throw new KvError('IO_ERROR', `Permission denied: ${as}`, { hint: 'have the key added to the policy' });
    this.offered = objects.map(({ oid }) => oid);
    const quarantine = await this.store.openQuarantine(null);
    const { gateway } = this.host;
    const span = this.tracing?.begin('stargate.session', { parent: trace }) ?? NO_SPAN;
    const endTurn = this.host.turns.begin(turn);
    try {
      await quarantine.write(objects);
      if (bringsIntents(commands)) {
        const pushed = { gateway, store: this.store, confirm: () => this.confirm() };
        return await orderPushed(await PushedIntents.check(pushed, commands, quarantine), quarantine, say);
      }
      const accepted = await gateway.validate(
        { pusher, atomic, commands, turn, span, confirm: () => this.confirm() },
        quarantine,
      );
      try {
        await quarantine.accept();
      } catch (error) {
        gateway.abandon(accepted);
        throw error;
      }
      await gateway.commit(accepted);
      return [];
    } catch (error) {
      return [formatRejection(toKvError(error))];
    } finally {
      endTurn();
      span.end();
      await quarantine.close();
    }
  }

  /** Answers who asks for a turn, as the daemon does. Throws `IO_ERROR` for whom the policy doesn't know. */
  private async ask(as: string | null, args: readonly string[]): Promise<AskedToPush> {
    const pusher = as === null ? null : this.people.pusher(as, this.policyNow());
    if (pusher === null) throw new KvError('IO_ERROR', `Permission denied: ${as}`);
    const { store, host, streams } = this;
    const small = new SmallPacks(store, new ObjectNamer(nodeHasher(), store.objectFormat));
    const more = { few: { objects: 8000, bytes: 5 * 1024 * 1024, depth: 500 }, thin: true };
    async function* send(want: readonly Oid[], have: readonly Oid[]): AsyncGenerator<Uint8Array> {
      yield* (await small.make(want, have, more)) ?? [];
    }
    const verb = turnVerb({
      ...{ store, policy: this.policyNow },
      news: turnNews({ small, reader: store, exchange: { send } }),
      line: async () => ({ turns: host.turns, over: streams.signal, push: async () => 0 }),
    });
    const left = new AbortController();
    return new Promise((resolve, reject) => {
      const call = {
        ...{ pusher, fingerprint: pusher.name, left: left.signal, tell: () => undefined },
        enterPush: () => ({ leave: () => undefined }),
        async handOver(answer: unknown) {
          resolve({ answer, release: () => left.abort() });
          await new Promise((ended) => left.signal.addEventListener('abort', ended, { once: true }));
        },
      };
      verb.run(args, call).catch(reject);
    });
  }

  /** Orders an intent of a person's, as a stream of intents does it. Throws what the writer is told. */
  async order(as: string, objects: readonly NewObject[]): Promise<Ordered> {
    const { gateway } = this.host;
    const own = overlay(this.store, new Map(objects.map((object) => [object.oid, object])));
    const oid = (objects[0] as NewObject).oid;
    if (this.people.pusher(as, this.policy) === null) throw new KvError('POLICY_VIOLATION', `${as} is not listed`);
    const request = { oid, store: own, objects, confirm: () => this.confirm() };
    return gateway.order(await gateway.checkIntent(request), request);
  }

  /** Serves a stream of intents, as the daemon does it to a channel. */
  private async serveIntents(stream: ArrivedStream): Promise<void> {
    const { store, host, people, repositoryId } = this;
    const pusher = stream.as === null ? null : people.pusher(stream.as, this.policyNow());
    if (pusher === null) throw new KvError('IO_ERROR', `Permission denied: ${stream.as}`);
    const arrived = arrivedSession(stream, pusher);
    const { tracing } = this;
    const session =
      tracing === undefined ? arrived : { ...arrived, trace: new SessionTrace(tracing, { request: arrived.request }) };
    const { gateway } = host;
    const served = new IntentStream(session, {
      gateway: this.around({
        checkIntent: (request) => gateway.checkIntent(request),
        order: (sound, request) => this.ordering(() => gateway.order(sound, request)),
      }),
      store,
      namer: new ObjectNamer(nodeHasher(), store.objectFormat),
      greeting: () => greeting({ store, policy: this.policyNow, repositoryId }),
      limits: () => this.policyNow().limits,
      room: async () => undefined,
      over: this.streams.signal,
      answered: () => undefined,
    });
    await Promise.race([
      served.run(),
      new Promise((_, reject) => this.cuts.push(() => reject(new Error('the connection was cut')))),
    ]);
    await new Promise<void>((resolve) => session.output.end(resolve));
  }

  /** Puts another policy in force, and publishes it. */
  async publishText(change: (text: string) => string): Promise<void> {
    const text = change(this.policyText);
    const policy = (await this.composition.get<PolicyReader>('policy-reader')).parse(text, 'policy.yaml');
    this.policyNow = () => policy;
    await this.host.publish(text);
  }

  /** Has all ledgers made in another way from now on. */
  publishMode(mode: LedgerMode): Promise<void> {
    return this.publishText((text) => text.replace(/ledger_mode: \w+/g, `ledger_mode: ${mode}`));
  }

  /** Breaks the streams of intents that are open, as a connection breaks. */
  cutStreams(): void {
    for (const cut of this.cuts.splice(0)) cut();
  }

  /** What it has now. */
  async backup(): Promise<MemoryBackup> {
    const refs = await this.refs();
    const objects = await lacking(
      this.store,
      new GitMemoryStore(this.store.objectFormat),
      [...refs.values()],
      this.store.objectFormat,
    );
    return { name: this.name, people: this.people, refs, objects };
  }

  /** Compares with the mirror, as the verb does. `kept` gets what is written into bundles. */
  sync(args: Partial<SyncArguments>, kept = new Map<string, ReadonlyMap<RefName, Oid>>()): Promise<SyncReport> {
    const { gateway, sides, standing, worker, publish } = this.host;
    const bundles = {
      place: (name: string) => `/archives/${name}`,
      write: async (name: string, _format: ObjectFormat, refs: ReadonlyMap<RefName, Oid>) => kept.set(name, refs).size,
    };
    const recheck = async (): Promise<void> => {
      worker.recheck();
      await standing.look();
    };
    const context = { ...sides, gateway, bundles, recheck, republish: () => publish(this.policyText) };
    return syncSides(context, { ns: undefined, mode: 'audit', dryRun: false, ...args });
  }

  /** What the mirror worker says of itself. */
  get status(): WorkerStatus {
    return this.host.worker.status();
  }

  /** A look at the mirror, which the worker takes by itself from time to time. */
  look(): Promise<void> {
    return this.host.standing.look();
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
    await this.stop();
    await this.leave();
  }

  /** Ends it, and gives what it had when it took no more. */
  async end(): Promise<MemoryBackup> {
    await this.stop();
    const left = await this.backup();
    await this.leave();
    return left;
  }

  private stop(): Promise<void> {
    this.streams.abort(new KvError('NOT_LEADER', 'the gateway is closed'));
    return this.host.stop();
  }

  private async leave(): Promise<void> {
    await this.lease.release();
    await this.composition.close();
  }

  /** Lets clients in: to the mirror for reading, to the gateway for writing. */
  private open(): void {
    const { store, mirror } = this;
    const place = placeNamed(this.name);
    place.read = {
      refs: async () => mirror.refs,
      read: async (oids) => oids.map((oid) => mirror.get(oid) ?? null),
    };
    place.write = {
      refs: () => store.refs(['refs/']),
      read: (oids) => store.read(oids),
      receive: (push) => this.receive(push),
      ask: ({ as, args }) => this.ask(as, args),
    };
    place.intents = { serve: (stream) => this.serveIntents(stream) };
  }
}

/**
 * The built-in profile, with a store of the object format, and the place where a gateway and its clients meet, null for none; `as` is
 * whom a client comes as.
 */
export async function memoryProfile(objectFormat: ObjectFormat, name: string | null, as?: string): Promise<Profile> {
  const profile = await findProfile('memory');
  const use = (adapter: string, config: Record<string, unknown>) => ({ use: adapter, config, line: 1, wrap: [] });
  const adapters = { ...profile.adapters, 'git-store': use('git-memory', { objectFormat }) };
  if (name === null) return { ...profile, adapters };
  const remote = use('remote-memory', { place: name, ...(as === undefined ? {} : { as }) });
  const places = { 'git-remote': remote, 'intent-stream': remote };
  return { ...profile, adapters: { ...adapters, ...places, 'mirror-target': use('mirror-memory', { host: name }) } };
}
