import { KvError, toKvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { IntentRecord } from '../../ports/stargate/journal.js';
import type { Policy } from '../../ports/stargate/policy-reader.js';
import type { SignatureVerifier, Signer } from '../../ports/clone/signer.js';
import { during, NO_SPAN, type Span } from '../../ports/tracing.js';
import type { RefUpdate, WatchEvent } from '../../ports/vocabulary.js';
import { classifyRef } from '../ledger/refs.js';
import { checkNewRefs } from './accept/new-refs.js';
import { boundedStore } from './accept/bounded-store.js';
import { CheckBudget } from './limits/check-budget.js';
import { checkLimits } from './limits/check-limits.js';
import { boundedContext, type ValidationContext } from './accept/validation-context.js';
import { type CommitContext, type CommitExtras, commitRefs, leftRefsAlone, requireLease } from './commit/commit-refs.js';
import { Mutex } from './mutex.js';
import type { Ordered } from '../git/wire/intent-frames.js';
import type { AcceptedPush, PushRequest, RecoveryReport } from './accept/push.js';
import type { Gateway } from './door.js';
import type { IntentRequest } from './sequence/intent-request.js';
import { checkIntent, type SoundIntent } from './sequence/check-intent.js';
import { Sequencer, type SequencerObserver } from './sequence/sequencer.js';
import { recover } from './commit/recover.js';
import { checkIdTimes, TransactionIds } from './accept/transaction-ids.js';
import { validatePush } from './accept/validate-push.js';

interface GatewayContext extends CommitContext {
  readonly verifier: SignatureVerifier;
  /** The policy in force; asked once a push, so that a push is judged by one policy. */
  readonly policy: () => Policy;
  readonly sampleSize: number;
  /** This repository's id. */
  readonly repositoryId: string;
  /** Why a new epoch would not reach the mirror's readers; null where it would. */
  readonly newEpochs?: () => Promise<KvError | null>;
  /** Told of what recovery found done but not mirrored. */
  readonly unmirrored: (intents: readonly IntentRecord[]) => void;
  /** Signs ledger commits that are made of intents; absent: no intents are taken. */
  readonly sequencer?: Pick<Signer, 'sign'>;
  readonly sequencing?: SequencerObserver;
  /** Throws for a namespace to which nothing can be written now, such as one whose mirror is ahead. */
  readonly admit?: (namespaces: readonly string[], turn: string | undefined) => Promise<void>;
}

/** The Stargate's commit path over one repository. */
export class RepositoryGateway implements Gateway {
  private readonly mutex = new Mutex();
  private readonly memory = new CheckBudget();
  private readonly held = new Map<AcceptedPush, { readonly policy: Policy; readonly release: () => void }>();
  /** Set when a commit broke in the middle: nothing more is taken until recovery has looked at the refs. */
  private broken = false;
  private readonly ids: TransactionIds;
  private readonly sequencer: Sequencer | null;

  constructor(private readonly context: GatewayContext) {
    const { store, randomness, policy } = context;
    this.ids = new TransactionIds(store, randomness, () => policy().limits.transactionIds);
    this.sequencer = context.sequencer === undefined ? null : this.sequencerOf(context.sequencer);
  }

  /** How many intents wait for their place in a ledger. */
  get intentsWaiting(): number {
    return this.sequencer?.waiting ?? 0;
  }

  checkIntent(request: IntentRequest): Promise<SoundIntent> {
    return this.refusalsTold(this.soundIntent(request));
  }

  private soundIntent(request: IntentRequest): Promise<SoundIntent> {
    const { context } = this;
    return during((request.span ?? NO_SPAN).child('stargate.validate'), async (span) => {
      await requireLease(context);
      const policy = context.policy();
      const sound = await this.bounded(policy, request.store, (rules, store) => checkIntent(rules, request.oid, store));
      span.note({ txn: [sound.intent.trailers.txn] });
      return sound;
    });
  }

  async order(sound: SoundIntent, request: IntentRequest): Promise<Ordered> {
    if (this.sequencer === null) throw new KvError('NOT_SUPPORTED', 'this gateway has no key to order intents with');
    const { objects = [], confirm, span } = request;
    const again = (): Promise<SoundIntent> => this.soundIntent(request);
    const waiting = { sound, objects, again, span, ...(confirm === undefined ? {} : { confirm }) };
    return this.refusalsTold(this.sequencer.order(waiting));
  }

  validate(request: PushRequest, quarantine: GitStore): Promise<AcceptedPush> {
    const namespaces = namespacesIn(request.commands);
    const begun = (request.span ?? NO_SPAN).child('stargate.validate', { facts: { ns: namespaces } });
    return during(begun, async (span) => {
      const accepted = await this.validated(request, quarantine, namespaces, span);
      span.note(factsOf(accepted.events));
      return accepted;
    });
  }

  private async validated(
    request: PushRequest,
    quarantine: GitStore,
    namespaces: readonly string[],
    span: Span,
  ): Promise<AcceptedPush> {
    const { context } = this;
    await requireLease(context);
    await context.admit?.(namespaces, request.turn);
    for (;;) {
      const policy = context.policy();
      const events = await this.check(request, quarantine, policy);
      const release = await during(span.child('stargate.lock'), () => this.mutex.acquire());
      try {
        if (context.policy() === policy) {
          await this.mend();
          await requireLease(context);
          await context.admit?.(namespaces, request.turn); // what was found out meanwhile
          await checkTips(context.store, request.commands);
          await checkNewRefs(context.store, request.commands, policy.limits.refs);
          await this.ids.refuseUsed(request.commands, events);
          request.confirm?.();
          const accepted: AcceptedPush = { request, events };
          this.held.set(accepted, { policy, release });
          return accepted;
        }
      } catch (error) {
        release();
        throw error;
      }
      release(); // another policy is in force by now: the push is judged by that one
    }
  }

  async commit(accepted: AcceptedPush): Promise<void> {
    const held = this.held.get(accepted);
    if (held === undefined) throw new KvError('UNEXPECTED', 'a push was committed without its lock');
    this.held.delete(accepted);
    try {
      const { request, events } = accepted;
      await during((request.span ?? NO_SPAN).child('stargate.commit', { facts: factsOf(events) }), (span) =>
        this.commitOrMark(request.commands, { events: accepted.events, span }, () => this.confirm(accepted, held.policy)),
      );
      this.ids.committed(accepted.request.commands, accepted.events);
    } finally {
      held.release();
    }
  }

  abandon(accepted: AcceptedPush): void {
    const held = this.held.get(accepted);
    this.held.delete(accepted);
    held?.release();
  }

  /** Reads in advance what the first pushes would wait for. */
  async warmUp(stopped: AbortSignal): Promise<void> {
    await this.ids.readAll(stopped);
  }

  /** Moves refs of the Stargate's own, such as the published policy, through the same journal. */
  async moveOwn(plan: (context: CommitContext) => Promise<readonly RefUpdate[]>): Promise<void> {
    const release = await this.mutex.acquire();
    try {
      await this.mend();
      const updates = await plan(this.context);
      if (updates.length > 0) await this.commitOrMark(updates, {});
    } finally {
      release();
    }
  }

  /** Runs while no commit can, such as housekeeping. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    const release = await this.mutex.acquire();
    try {
      await work();
    } finally {
      release();
    }
  }

  async recover(): Promise<RecoveryReport> {
    const { report, unmirrored } = await recover(this.context.store, this.context.journal);
    this.broken = false;
    this.sequencer?.forget();
    this.context.unmirrored(unmirrored);
    return report;
  }

  /** Throws when what a push was judged by does not hold any more: whose it is, and the policy. */
  private confirm({ request }: AcceptedPush, policy: Policy): void {
    request.confirm?.();
    if (this.context.policy() === policy) return;
    throw new KvError('BUSY', 'the policy has changed since the push was checked', { hint: 'push again' });
  }

  private async commitOrMark(
    updates: readonly RefUpdate[],
    { events = [], ...extras }: { readonly events?: readonly WatchEvent[] } & CommitExtras,
    confirm?: () => void,
  ): Promise<void> {
    this.sequencer?.forget(namespacesIn(updates));
    try {
      if (!(await commitRefs(this.context, updates, events, confirm, extras))) this.broken = true;
    } catch (error) {
      const notLeader = KvError.is(error) && error.code === 'NOT_LEADER';
      if (!notLeader && !leftRefsAlone(error)) this.broken = true;
      throw error;
    }
  }

  private async check(request: PushRequest, quarantine: GitStore, policy: Policy): Promise<WatchEvent[]> {
    return this.bounded(policy, quarantine, async (rules, store) => {
      const events = await validatePush(rules, request, store);
      checkIdTimes(events, this.context.clock.now());
      await this.ids.prepare(request.commands);
      return events;
    });
  }

  /** Checks what has come in the memory that there is for it. */
  private async bounded<T>(
    policy: Policy,
    quarantine: GitStore,
    check: (rules: ValidationContext, store: GitStore) => Promise<T>,
  ): Promise<T> {
    const { context } = this;
    const limits = checkLimits(policy.limits);
    const share = this.memory.begin(limits);
    const repository = { id: context.repositoryId, required: policy.requireRepositoryId };
    try {
      const rules = boundedContext({ ...context, policy, repository }, limits, share);
      return await check(rules, boundedStore(quarantine, limits.objects, share));
    } finally {
      share.end();
    }
  }

  private sequencerOf(signer: Pick<Signer, 'sign'>): Sequencer {
    const { context, ids } = this;
    const { store, namer, clock, repositoryId, policy, sequencing } = context;
    return new Sequencer({
      ...{ store, namer, clock, signer, repositoryId, ids, policy, observer: sequencing },
      limits: () => policy().limits,
      admit: async (namespaces) => context.admit?.(namespaces, undefined),
      newEpochs: async () => (await context.newEpochs?.()) ?? null,
      locked: async (work) => {
        const release = await this.mutex.acquire();
        try {
          await this.mend();
          await requireLease(context);
          await work();
        } finally {
          release();
        }
      },
      commit: (updates, step) => this.commitOrMark(updates, { ...step, logged: true }),
    });
  }

  private async refusalsTold<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.context.sequencing?.refused(toKvError(error).code);
      throw error;
    }
  }

  private async mend(): Promise<void> {
    if (!this.broken) return;
    await requireLease(this.context); // the journal is another leader's once the lease is lost
    await this.recover();
  }
}

const factsOf = (events: readonly WatchEvent[]) => ({ txn: events.map(({ txn }) => txn) });

/** The namespaces whose refs a push moves. */
export function namespacesIn(commands: readonly RefUpdate[]): string[] {
  const names = commands.flatMap(({ ref }) => {
    const found = classifyRef(ref);
    return 'ns' in found && found.ns !== '' ? [found.ns] : [];
  });
  return [...new Set(names)];
}

/** Throws `CAS_CONFLICT` unless every ref is where the push believes it to be. */
async function checkTips(store: GitStore, commands: readonly RefUpdate[]): Promise<void> {
  const refs = await store.refs(commands.map(({ ref }) => ref));
  for (const { ref, old } of commands) {
    const at = refs.get(ref) ?? null;
    if (at === old) continue;
    throw new KvError('CAS_CONFLICT', `${ref} has moved to ${at ?? 'nothing'} since it was read`, {
      hint: 'fetch the newest tip, build on it and push again',
      details: { ref },
    });
  }
}
