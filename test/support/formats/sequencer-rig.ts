import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import { signatureVerifier } from '../../../adapters/signature-verifier/open.js';
import { newPrivateKey, ownKey } from '../../../apps/ssh-signature.js';
import { TransactionIds } from '../../../domain/gateway/accept/transaction-ids.js';
import { namespacesIn } from '../../../domain/gateway/gateway.js';
import { checkIntent, type SoundIntent } from '../../../domain/gateway/sequence/check-intent.js';
import { overlay } from '../../../domain/gateway/sequence/overlay.js';
import { Sequencer, type SequencerContext, type WaitingIntent } from '../../../domain/gateway/sequence/sequencer.js';
import { type Commit, decodeCommit } from '../../../domain/git/commit.js';
import type { Ordered } from '../../../domain/git/wire/intent-frames.js';
import type { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Signer } from '../../../ports/clone/signer.js';
import type { ErrorCode } from '../../../ports/index.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import type { LedgerMode, Policy } from '../../../ports/stargate/policy-reader.js';
import type { Oid, RefUpdate } from '../../../ports/vocabulary.js';
import { IntentMaker, type IntentWish, type MadeIntent } from './intents.js';
import { memory, NOW, SeededRandomness, TestClock } from '../memory/memory.js';
import { MemoryPeople } from '../memory/people.js';

const REPOSITORY = 'a'.repeat(32);
/** Each test has other intents, by people whose keys are made once. */
const PEOPLE = new MemoryPeople();

/** What a step of a sequencer has committed. */
export interface Step {
  readonly updates: readonly RefUpdate[];
  readonly txns: readonly string[];
  readonly objects: readonly NewObject[];
}

/** A sequencer on a store in memory, with nothing of a gateway around it; `ada` is the admin, `ada` and `bob` write. */
export class SequencerRig {
  readonly store = memory().store;
  readonly clock = new TestClock();
  readonly maker = new IntentMaker(PEOPLE, REPOSITORY, 'sha1');
  readonly steps: Step[] = [];
  /** What the observer was told. */
  readonly waiting: number[] = [];
  readonly ordered: (readonly [count: number, tookMs: number])[] = [];
  readonly limits: { -readonly [name in keyof Limits]?: number } = {};
  readonly sequencer: Sequencer;
  policy: Policy;
  /** Called before a step is committed. */
  committing: () => void | Promise<void> = () => undefined;
  /** Called before the lock is had. */
  locking: () => void | Promise<void> = () => undefined;
  /** Called for each namespace that is about to be written. */
  admitting: (ns: string) => void = () => undefined;
  newEpochs: KvError | null = null;

  constructor(more: Partial<SequencerContext> = {}) {
    const text = PEOPLE.policyText(['ada', 'bob'], ['main', 'other']).replaceAll('ledger_mode: linear', 'ledger_mode: sequenced');
    this.policy = parsePolicy(text, 'policy.yaml');
    const { store, clock, maker } = this;
    this.sequencer = new Sequencer({
      ...{ store, clock, namer: maker.namer, signer: ownKey(newPrivateKey()), repositoryId: REPOSITORY },
      ids: new TransactionIds(store, new SeededRandomness(), () => 1000),
      policy: () => this.policy,
      limits: () => ({ ...this.policy.limits, ...this.limits }),
      admit: async (namespaces) => namespaces.forEach((ns) => void this.admitting(ns)),
      newEpochs: async () => this.newEpochs,
      locked: async (work) => {
        await this.locking();
        await work();
      },
      commit: async (updates, { events, objects }) => {
        this.sequencer.forget(namespacesIn(updates)); // as the gateway does, whatever moves refs
        await this.committing();
        this.steps.push({ updates, objects, txns: events.map(({ txn }) => txn) });
        await store.land(objects, updates, 'ordered');
      },
      observer: {
        waiting: (count) => this.waiting.push(count),
        ordered: (count, tookMs) => this.ordered.push([count, tookMs]),
        refused: () => undefined,
      },
      ...more,
    });
  }

  /** The policy in force, but for the mode of a namespace. */
  withMode(ns: string, ledgerMode: LedgerMode): Policy {
    const { namespaces } = this.policy;
    return {
      ...this.policy,
      namespaces: new Map([...namespaces].map(([name, own]) => [name, name === ns ? { ...own, ledgerMode } : own])),
    };
  }

  /** Signs with a person's key. */
  signer(person: string): Signer {
    return PEOPLE.signer(person);
  }

  make(wish: IntentWish, person = 'ada'): Promise<MadeIntent> {
    return this.maker.make(person, { now: NOW, ...wish });
  }

  /** Checks an intent by itself, as it came with its objects. */
  check({ oid, objects }: MadeIntent): Promise<SoundIntent> {
    const { clock, policy, maker } = this;
    const repository = { id: REPOSITORY, required: true };
    const rules = { namer: maker.namer, verifier: signatureVerifier({ env: {} }), randomness: new SeededRandomness() };
    const store = overlay(this.store, new Map(objects.map((object) => [object.oid, object])));
    return checkIntent({ ...rules, clock, policy, repository, sampleSize: 64 }, oid, store);
  }

  /** An intent that waits for its place. */
  async sound(made: MadeIntent, more: Partial<WaitingIntent> = {}): Promise<WaitingIntent> {
    return { sound: await this.check(made), objects: made.objects, again: () => this.check(made), ...more };
  }

  /** Makes these intents, checks them, and orders them at once; gives what comes of each. */
  async order(...wishes: readonly (IntentWish | MadeIntent)[]): Promise<PromiseSettledResult<Ordered>[]> {
    const waiting: WaitingIntent[] = [];
    for (const wish of wishes) waiting.push(await this.sound('objects' in wish ? wish : await this.make(wish)));
    return Promise.allSettled(waiting.map((one) => this.sequencer.order(one)));
  }

  /** Orders one. Throws why it was refused. */
  async one(wish: IntentWish | MadeIntent): Promise<Ordered> {
    const [settled] = await this.order(wish);
    if (settled?.status === 'fulfilled') return settled.value;
    throw settled?.reason;
  }

  /** The error that ordering one ends with. */
  async refusal(wish: IntentWish | MadeIntent): Promise<KvError> {
    const outcome = await this.one(wish).catch((error: KvError) => error);
    if (outcome instanceof Error) return outcome;
    throw new Error(`it was ordered: ${JSON.stringify(outcome)}`);
  }

  async commit(oid: Oid | null | undefined): Promise<Commit> {
    const [object] = await this.store.read([oid ?? '']);
    return decodeCommit(object?.body ?? new Uint8Array(), oid ?? '', 'sha1');
  }

  /** Where a ref stands. */
  async tip(ref: string): Promise<Oid | null> {
    return (await this.store.refs([ref])).get(ref) ?? null;
  }
}

/** The codes of those that were refused, null for those that were ordered. */
export const codes = (settled: readonly PromiseSettledResult<Ordered>[]): (ErrorCode | null)[] =>
  settled.map((one) => (one.status === 'fulfilled' ? null : (one.reason as KvError).code));
