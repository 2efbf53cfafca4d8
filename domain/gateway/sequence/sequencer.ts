import type { Clock } from '../../../ports/clock.js';
import { type ErrorCode, KvError, toKvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { Signer } from '../../../ports/clone/signer.js';
import { during, NO_SPAN, type Span, together } from '../../../ports/tracing.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../git/object.js';
import { replacing } from '../../git/store-view.js';
import type { Ordered } from '../../git/wire/intent-frames.js';
import type { TransactionIds } from '../accept/transaction-ids.js';
import { beginEpoch } from './begin-epoch.js';
import type { SoundIntent } from './check-intent.js';
import { type LedgerState, movesBetween, readLedgerState } from './ledger-state.js';
import { type OrderContext, orderIntent, requireEpoch } from './order.js';
import { Answers, orderedIn, orderedInArchive, sameIntent } from './ordered-before.js';
import { WarmTrees } from './warm-trees.js';

/** An intent that waits for its place in the ledger. */
export interface WaitingIntent {
  readonly sound: SoundIntent;
  /** What it has brought that is not in the repository yet. */
  readonly objects: readonly NewObject[];
  /** Throws what the writer is to see who may not write any more. Asked when its turn has come. */
  readonly confirm?: () => void;
  /** Checks it again, under the policy that is in force by now. */
  readonly again: () => Promise<SoundIntent>;
  /** What ordering it is a part of. */
  readonly span?: Span | undefined;
}

/** Told what the sequencer does, for metrics. */
export interface SequencerObserver {
  /** So many intents wait for their place. */
  waiting(count: number): void;
  /** So many were answered in one step, which took so many milliseconds; none where all of them were refused. */
  ordered(count: number, tookMs: number): void;
  /** One was refused, when it came or when its turn had come. */
  refused(code: ErrorCode): void;
}

/** What ordering intents takes of the gateway. */
export interface SequencerContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly clock: Clock;
  readonly signer: Pick<Signer, 'sign'>;
  readonly repositoryId: string;
  readonly ids: TransactionIds;
  readonly policy: () => Policy;
  readonly limits: () => Pick<Limits, 'intentsWaiting' | 'intentsAtOnce' | 'intentBytesAtOnce' | 'intentTrees' | 'intentAnswers'>;
  /** Throws for a namespace to which nothing can be written now. */
  readonly admit: (namespaces: readonly string[]) => Promise<void>;
  /** Why a new epoch would not reach the mirror's readers; null where it would. */
  readonly newEpochs: () => Promise<KvError | null>;
  /** Runs under the repository's commit lock, as the leader, after what a crash has left was mended. */
  readonly locked: (work: () => Promise<void>) => Promise<void>;
  /** Writes objects and moves refs as one step that survives a crash. */
  readonly commit: (
    updates: readonly RefUpdate[],
    step: { readonly events: readonly WatchEvent[]; readonly objects: readonly NewObject[]; readonly span: Span },
  ) => Promise<void>;
  readonly observer?: SequencerObserver | undefined;
}

interface Ticket extends WaitingIntent {
  readonly bytes: number;
  readonly resolve: (answer: Ordered) => void;
  readonly reject: (error: KvError) => void;
}

/** What one step makes, before it is committed. */
interface Step {
  readonly states: Map<string, { readonly before: LedgerState; after: LedgerState }>;
  readonly objects: Map<Oid, NewObject>;
  readonly events: WatchEvent[];
  readonly answered: { readonly ticket: Ticket; readonly answer: Ordered }[];
  /** The transactions of this step. */
  readonly txns: Map<string, { readonly intent: Oid; readonly answer: Ordered }>;
  /** Moves that are not those of a state: an epoch that begins. */
  updates: readonly RefUpdate[];
}

/**
 * Orders intents into ledgers, first come first served: all that wait are judged one after the other, each against the state after the
 * one before, and land in one step.
 */
export class Sequencer {
  private readonly queue: Ticket[] = [];
  private readonly trees: WarmTrees;
  private readonly answers: Answers;
  private running = false;
  /** Where namespaces stand after the last step, as long as nobody else has moved their refs. */
  private readonly states = new Map<string, LedgerState>();

  constructor(private readonly context: SequencerContext) {
    this.trees = new WarmTrees(context.store, () => context.limits().intentTrees);
    this.answers = new Answers(() => context.limits().intentAnswers);
  }

  /** How many intents wait for their place. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Gives an intent its place. Throws `BUSY` when too many wait, and what judging it throws. */
  async order(waiting: WaitingIntent): Promise<Ordered> {
    const { limits, observer } = this.context;
    if (this.queue.length >= limits().intentsWaiting) {
      throw new KvError('BUSY', `${this.queue.length} intents wait to be ordered, which is as many as may`, {
        hint: 'try again later',
      });
    }
    const bytes = waiting.objects.reduce((sum, { body }) => sum + body.length, 0);
    return new Promise<Ordered>((resolve, reject) => {
      this.queue.push({ ...waiting, bytes, resolve, reject });
      observer?.waiting(this.queue.length);
      if (!this.running) void this.run();
    });
  }

  /** The refs of these namespaces (absent: of all) are moved, or may have been: where they stand is read again. */
  forget(namespaces?: readonly string[]): void {
    if (namespaces === undefined) this.states.clear();
    for (const ns of namespaces ?? []) this.states.delete(ns);
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.queue.length > 0) {
      let taken: Ticket[] = [];
      try {
        await this.context.locked(async () => {
          taken = this.take(); // with those that came while the lock was another's
          await this.step(taken);
        });
      } catch (thrown) {
        const error = toKvError(thrown);
        this.trees.forget();
        for (const ticket of taken.length > 0 ? taken : this.take()) ticket.reject(error); // one that was answered stays so
      }
    }
    this.running = false;
  }

  private take(): Ticket[] {
    const { intentsAtOnce, intentBytesAtOnce } = this.context.limits();
    let [count, bytes] = [0, 0];
    for (const ticket of this.queue) {
      if (count >= intentsAtOnce || (count > 0 && bytes + ticket.bytes > intentBytesAtOnce)) break;
      count += 1;
      bytes += ticket.bytes;
    }
    const taken = this.queue.splice(0, count);
    this.context.observer?.waiting(this.queue.length);
    return taken;
  }

  private async step(taken: readonly Ticket[]): Promise<void> {
    const { clock, observer } = this.context;
    const began = clock.now();
    const step: Step = { states: new Map(), objects: new Map(), events: [], answered: [], txns: new Map(), updates: [] };
    for (const [i, ticket] of taken.entries()) {
      if (ticket.sound.intent.operations.epoch !== undefined && i > 0) {
        this.queue.unshift(...taken.slice(i)); // an epoch begins by itself
        break;
      }
      try {
        await this.place(step, ticket);
      } catch (error) {
        ticket.reject(toKvError(error));
      }
      if (step.updates.length > 0) {
        this.queue.unshift(...taken.slice(i + 1));
        break;
      }
    }
    const updates = [...step.updates, ...[...step.states.values()].flatMap(({ before, after }) => movesBetween(before, after))];
    if (updates.length > 0) {
      try {
        await during(commitSpan(step), (span) =>
          this.context.commit(updates, { events: step.events, objects: [...step.objects.values()], span }),
        );
      } catch (error) {
        this.trees.forget();
        for (const { ticket } of step.answered) ticket.reject(toKvError(error));
        return;
      }
      this.trees.written();
      this.context.ids.committed(updates, step.events);
      for (const [ns, { after }] of step.states) this.states.set(ns, after);
    }
    for (const { ticket, answer } of step.answered) {
      if (answer.commit !== null) this.answers.add(ticket.sound.intent, answer);
      ticket.resolve(answer);
    }
    observer?.ordered(step.answered.length, clock.now() - began);
  }

  private async place(step: Step, ticket: Ticket): Promise<void> {
    const { context } = this;
    ticket.confirm?.();
    const sound = ticket.sound.policy === context.policy() ? ticket.sound : await ticket.again();
    const { intent } = sound;
    const { ns, txn } = intent.trailers;
    await context.admit([ns]);
    const now = context.clock.now();
    const known = step.states.get(ns);
    const state = known?.after ?? this.states.get(ns) ?? (await readLedgerState(context.store, ns, now));
    const before = await this.orderedBefore(step, state, ticket);
    if (before !== undefined) return void step.answered.push({ ticket, answer: before });
    const store = replacing(context.store, { read: (oids) => this.trees.read(oids) });
    const own: OrderContext = { store, namer: context.namer, signer: context.signer, repositoryId: context.repositoryId, now };
    if (intent.operations.epoch !== undefined) {
      const refused = await context.newEpochs();
      if (refused !== null) throw refused;
      const begun = await beginEpoch({ ...own, store: context.store }, state, sound);
      step.updates = begun.updates;
      this.keep(step, ticket, [...ticket.objects, ...begun.objects]);
      step.events.push(begun.event);
      step.answered.push({ ticket, answer: begun.answer });
      return;
    }
    const ordered = await orderIntent(own, state, sound);
    step.answered.push({ ticket, answer: ordered.answer });
    if (ordered.event === null) return;
    this.keep(step, ticket, ordered.objects);
    step.events.push(ordered.event);
    step.states.set(ns, { before: known?.before ?? state, after: ordered.state });
    step.txns.set(`${ns} ${txn}`, { intent: intent.oid, answer: ordered.answer });
  }

  private keep(step: Step, { objects }: Ticket, built: readonly NewObject[]): void {
    for (const object of [...objects, ...built]) step.objects.set(object.oid, object);
    this.trees.add(built);
  }

  /** What has come of the same intent already. Throws `TRANSACTION_REUSED` when its transaction is another's. */
  private async orderedBefore(step: Step, state: LedgerState, { sound }: Ticket): Promise<Ordered | undefined> {
    const { intent } = sound;
    const { ns, txn } = intent.trailers;
    const here = step.txns.get(`${ns} ${txn}`);
    if (here !== undefined) return sameIntent(intent, here.intent, here.answer);
    const known = this.answers.of(intent);
    if (known !== undefined) return known;
    const tip = step.states.get(ns)?.before.base.ledger?.commit ?? state.base.ledger?.commit ?? null;
    if (tip !== null && (await this.context.ids.isUsed(ns, tip, txn))) return orderedIn(this.context.store, tip, intent);
    try {
      requireEpoch(state, sound);
      return undefined;
    } catch (error) {
      const archived = await orderedInArchive(this.context.store, intent);
      if (archived !== undefined) return archived;
      throw error;
    }
  }
}

/** One commit, in the trace of each intent that it is made of. */
function commitSpan({ answered }: Step): Span {
  const made = answered.filter(({ answer }) => answer.commit !== null);
  return together(
    made.map(({ ticket: { span = NO_SPAN, sound } }) => {
      return span.child('stargate.commit', { facts: { txn: [sound.intent.trailers.txn], batch: made.length } });
    }),
  );
}
