import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import type { GitMemoryStore } from '../../../../adapters/git-memory/open.js';
import { parseLedgerMessage, renderLedgerMessage } from '../../../../domain/ledger/transaction/attestation.js';
import type { Clone } from '../../../../domain/client/clone/clone.js';
import { encodeCommit } from '../../../../domain/git/commit.js';
import type { ObjectNamer } from '../../../../domain/git/object.js';
import { archiveRef, ledgerRef, watchlogRef } from '../../../../domain/ledger/refs.js';
import { type Base, buildTransaction, commitOn } from '../../../../domain/ledger/transaction/transaction.js';
import { newUlid } from '../../../../domain/ledger/ulid.js';
import { appendEvents } from '../../../../domain/ledger/transaction/watchlog.js';
import type { Clock } from '../../../../ports/clock.js';
import { KvError } from '../../../../ports/error.js';
import type { FetchRequest } from '../../../../ports/git/git-remote.js';
import type { Oid, RefName, WatchEvent } from '../../../../ports/vocabulary.js';
import { memory, NOW, SeededRandomness, TestClock } from '../../../support/memory/memory.js';
import { stubRemotes } from '../../../support/stub-remotes.js';

/** A transaction to write: what it sets and deletes, or the label of the epoch that it begins. */
export type Step = { readonly set: readonly string[]; readonly del: readonly string[] } | { readonly epoch: string };

/** What the watch must say of a step. */
export interface Expected {
  readonly oid: Oid;
  readonly epoch: string;
  readonly set: readonly string[];
  readonly del: readonly string[];
}

export const NS = 'main';
const MOST_SLEEPS = 1000;
const IDENTITY = 'ada <ada@example.org>';

/** A Stargate's repository as it was after each step: its objects, and its refs one state a step. */
export class Recording {
  readonly states: Map<RefName, Oid>[] = [new Map()];
  readonly events: Expected[] = [];

  private constructor(
    readonly store: GitMemoryStore,
    private readonly namer: ObjectNamer,
  ) {}

  static async of(steps: readonly Step[]): Promise<Recording> {
    const { store, namer } = memory();
    const recording = new Recording(store, namer);
    const randomness = new SeededRandomness();
    const clock = new TestClock();
    let base: Base = { ledger: null, index: null, chunks: null, epoch: 'e0', parentEpoch: null };
    const live = new Set<string>();
    for (const [i, step] of steps.entries()) {
      clock.at = NOW + i * 1000;
      const context = { store, namer, ns: NS, identity: IDENTITY, now: clock.now(), txn: newUlid(clock, randomness) };
      if ('epoch' in step) {
        if (base.ledger === null) continue; // there is nothing yet whose epoch could end
        const { commit, tree } = base.ledger;
        const trailers = { ns: NS, txn: context.txn, indexTree: tree, chunksTree: null, keysSet: 0, keysDel: 0, baseTree: tree };
        const message = renderLedgerMessage('begin', {
          ...trailers,
          epoch: step.epoch,
          parentEpoch: base.epoch,
          parentLedger: commit,
          repository: null,
          intent: null,
        });
        const root = namer.object('commit', encodeCommit(commitOn(context, null, tree, message), namer.format));
        await store.write([root]);
        await recording.add({ oid: root.oid, epoch: step.epoch, set: [], del: [] }, context, base.epoch, [
          archiveRef(NS, base.epoch),
          commit,
        ]);
        base = { ...base, ledger: { commit: root.oid, tree }, epoch: step.epoch, parentEpoch: base.epoch };
        continue;
      }
      const operations = [
        ...step.set.map((key) => {
          const meta = { ctype: 'text/plain', ttl: null, etag: `blake3:${'0'.repeat(64)}`, createdBy: 'ada', txn: context.txn };
          return {
            op: 'set',
            key,
            value: new Uint8Array([i & 255, i >> 8]),
            meta: { ...meta, createdAt: new Date(clock.at).toISOString() },
          } as const;
        }),
        ...step.del.filter((key) => live.has(key) && !step.set.includes(key)).map((key) => ({ op: 'del', key }) as const),
      ];
      const draft = await buildTransaction(context, base, operations);
      if (draft.set.length + draft.del.length === 0) continue;
      const ledger = namer.object('commit', encodeCommit(draft.ledgerCommit, namer.format));
      await store.write([...draft.objects, ledger]);
      for (const key of draft.set) live.add(key);
      for (const key of draft.del) live.delete(key);
      await recording.add(
        { oid: ledger.oid, epoch: base.epoch, set: [...draft.set].sort(), del: [...draft.del].sort() },
        context,
        null,
      );
      const index = { commit: draft.indexCommit.oid, tree: parseLedgerMessage(draft.ledgerCommit.message, ledger.oid).indexTree };
      base = { ...base, ledger: { commit: ledger.oid, tree: draft.ledgerCommit.tree }, index };
    }
    return recording;
  }

  private async add(
    event: Expected,
    context: { txn: string; now: number },
    parentEpoch: string | null,
    archive?: [RefName, Oid],
  ): Promise<void> {
    const state = new Map(this.states.at(-1));
    const ref = watchlogRef(NS, event.epoch);
    const logged: WatchEvent = {
      ...{ v: 1, ns: NS, epoch: event.epoch, oid: event.oid, txn: context.txn, received: new Date(context.now).toISOString() },
      ...{ signer: 'ada', set: event.set.length, del: event.del.length, parentEpoch },
    };
    const commits = appendEvents(this.namer, state.get(ref) ?? null, [logged]);
    await this.store.write(commits);
    state.set(ref, commits[0]?.oid as Oid).set(ledgerRef(NS), event.oid);
    if (archive !== undefined) state.set(...archive);
    this.states.push(state);
    this.events.push(event);
  }
}

/** A remote that shows some state of a recording at each fetch, and a clone that fetches from it. */
export class Replay {
  /** Which state a fetch sees; it may throw. */
  see: () => number;
  /** Refs that the remote no longer has. */
  readonly hide = new Set<RefName>();

  constructor(private readonly recording: Recording) {
    this.see = () => recording.states.length - 1;
  }

  clone(clock: Clock = new AbortableClock()): Clone {
    const { store } = this.recording;
    const useless = (): KvError => new KvError('UNEXPECTED', 'a watch has no use for this');
    const refuse = (): never => {
      throw useless();
    };
    const stubs = stubRemotes(useless, {
      remotes: {
        url: async () => 'replay',
        fetch: async (_remote, _direction, requests) => this.fetch(requests),
      },
    });
    const config = { get: () => undefined, all: () => [], names: () => [], identity: async () => IDENTITY };
    const common = { store, ...stubs, config, clock, hasher: nodeHasher(), remoteName: 'origin' };
    return { ...common, forWriting: refuse, policyReader: refuse };
  }

  private async fetch(requests: readonly FetchRequest[]): Promise<void> {
    const { store, states } = this.recording;
    const state = states[this.see()] as Map<RefName, Oid>;
    const names = requests.map(({ localRef }) => localRef);
    const here = await store.refs(names);
    const updates = requests.flatMap(({ remoteRef, localRef }) => {
      const next = this.hide.has(remoteRef) ? null : (state.get(remoteRef) ?? null);
      const old = here.get(localRef) ?? null;
      return old === next ? [] : [{ ref: localRef, old, next }];
    });
    if (updates.length > 0) await store.updateRefs(updates, 'fetch');
  }
}

/** Sleeps take no time; one that the signal ends rejects, as the system's do. */
export class AbortableClock extends TestClock {
  /** Called with the length of each sleep, ms. */
  slept: (ms: number) => void = () => undefined;
  private sleeps = 0;
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (++this.sleeps > MOST_SLEEPS) throw new Error('it sleeps for ever');
    await super.sleep(ms);
    this.slept(ms);
    if (signal?.aborted) throw new KvError('INTERRUPTED', 'the wait was interrupted');
  }
}
