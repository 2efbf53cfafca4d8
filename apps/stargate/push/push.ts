import type { AcceptedPush, PushRequest } from '../../../domain/gateway/accept/push.js';
import type { Principal } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { PushHooks, PushProcess } from '../../../ports/git/git-service.js';
import { GitWords } from './git-words.js';
import type { PushOutcome, ReceivePackOptions } from './push-options.js';
import { checkSameCommands, type HookReport, quarantineOf, readHookReport, sendVerdict, sendWords } from './pre-receive.js';
import { claimedTransactions, logEmpty, type PushedTransaction, type PushFacts } from './push-line.js';
import { bringsIntents, PushedIntents } from './pushed-intents.js';
import { readProcReceive, reportProcReceive } from './proc-receive.js';
import { namespacesIn } from '../../../domain/gateway/gateway.js';
import { requirePermission } from '../permission.js';
import { PushStream } from '../../../domain/git/wire/push-request.js';
import { NO_SPAN, type Span } from '../../../ports/tracing.js';
import { clientOf, feed, refuse, type ExecSession } from '../exec-session.js';

/** One push at hand: git's process for it, the words with its hooks, and what the client is told. */
export class Push {
  private readonly stream: PushStream;
  private readonly process: PushProcess;
  private held: AcceptedPush | undefined;
  private intents: PushedIntents | undefined;
  private endTurn: (() => void) | undefined;
  private readonly started = performance.now();
  /** From the first byte until all has come. */
  private receiving: Span | undefined;
  private spent = 0;
  private transactions: readonly PushedTransaction[] = [];
  private readonly words: GitWords;
  private committing = false;
  private ended = false;
  private told = false;
  /** Cut off before its end. */
  unwanted = false;

  constructor(
    private readonly session: ExecSession,
    private readonly options: ReceivePackOptions,
  ) {
    this.stream = new PushStream(options.limits);
    const { services, limits } = options;
    this.words = new GitWords(clientOf(session));
    const request = { gitProtocol: session.gitProtocol, maxBytes: limits.maxBytes, bounds: limits.git };
    this.process = services.receive(request, this.words.client);
  }

  async run(): Promise<number> {
    const { session, options } = this;
    const timer = setTimeout(() => {
      this.fail(
        new KvError('IO_ERROR', `the push took longer than ${options.limits.timeout / 1000} s`, { hint: 'push less at a time' }),
      );
    }, options.limits.timeout);
    const leave = (): void => this.leave();
    session.gone.addEventListener('abort', leave);
    if (session.gone.aborted) leave();
    feed(session, this.process.input, (bytes) => this.isTaken(bytes));
    const dialogue = this.converse()
      .catch((thrown: unknown) => this.broken(thrown))
      .finally(() => this.release());
    try {
      const ended = this.process.ended.finally(() => {
        this.ended = true;
      });
      const [status] = await Promise.all([ended, dialogue]);
      await this.tellOfGit();
      return status;
    } finally {
      clearTimeout(timer);
      session.gone.removeEventListener('abort', leave);
      this.release();
      this.endTurn?.();
      this.receiving?.end();
    }
  }

  private isTaken(bytes: Uint8Array): boolean {
    try {
      this.stream.push(bytes);
      this.receiving ??= this.beginSpan();
      this.endTurn ??= this.beginTurn();
      return true;
    } catch (error) {
      this.fail(toKvError(error));
      return false;
    }
  }

  /** The push as a part of what its client says, once that is known. */
  private beginSpan(): Span | undefined {
    const { announcement } = this.stream;
    if (announcement === undefined || this.session.trace === undefined) return undefined;
    const startedAt = performance.timeOrigin + this.started;
    return this.session.trace.from(announcement.trace).child('stargate.receive', { startedAt });
  }

  /** What ends the turn of a push, once it is known what it moves; its pack is not read when it is another's turn. */
  private beginTurn(): (() => void) | undefined {
    const { announcement } = this.stream;
    const { turns } = this.options;
    if (announcement === undefined || turns === undefined) return undefined;
    turns.admit(namespacesIn(announcement.commands), announcement.turn);
    return turns.begin(announcement.turn);
  }

  /** The two hooks, one after the other. */
  private async converse(): Promise<void> {
    const { hooks } = this.process;
    const report = await readHookReport(hooks.preReceive);
    this.receiving?.end();
    if (report === undefined) return;
    try {
      await this.validate(report);
    } catch (thrown) {
      sendVerdict(hooks.verdict, this.session.request, this.reject(thrown));
      return;
    }
    sendVerdict(hooks.verdict, this.session.request, undefined);
    await (this.intents === undefined ? this.commit(hooks) : this.order(hooks, this.intents));
  }

  private async validate(report: HookReport): Promise<void> {
    const { host, gateway, store: repository } = this.options;
    const announced = this.stream.announcement;
    if (announced === undefined) throw new KvError('UNEXPECTED', 'a hook ran before the command list was read');
    checkSameCommands(announced.commands, report.commands);
    const pusher = this.identifyAgain();
    const quarantine = quarantineOf(report);
    await this.options.room.require(); // what came lies on the disk, and goes from there again when it is refused
    if (quarantine !== null) await host.prepareQuarantine(quarantine);
    const store = await repository.openQuarantine(quarantine);
    const started = performance.now();
    try {
      const { atomic, commands, turn } = announced;
      const confirm = (): void => void this.identifyAgain();
      const span = this.session.trace?.from(announced.trace) ?? NO_SPAN;
      if (bringsIntents(commands)) {
        this.intents = await PushedIntents.check({ gateway, store: repository, confirm, span }, commands, store);
        this.transactions = this.intents.transactions;
        return;
      }
      const request: PushRequest = { pusher, atomic, commands, turn, span, confirm };
      this.held = await gateway.validate(request, store);
      this.transactions = this.held.events;
    } catch (error) {
      this.transactions = await claimedTransactions(store, announced.commands);
      throw error;
    } finally {
      this.spent += performance.now() - started;
      // The verdict stands, whatever becomes of the reader.
      await store
        .close()
        .catch((error: unknown) => this.options.log.warn('push.quarantine.close', { message: toKvError(error).message }));
    }
  }

  /** Whose the push is now: between its beginning and its end, the key may have been taken from the policy, or its role from it. */
  private identifyAgain(): Principal {
    const pusher = this.session.pusherNow();
    requirePermission(pusher, 'push');
    return pusher;
  }

  /** Hands the intents over to be ordered: no lock is held meanwhile, and each has an outcome of its own. */
  private async order({ procReceive, procReceiveReply: reply, verdict }: PushHooks, intents: PushedIntents): Promise<void> {
    const request = await readProcReceive(procReceive, reply);
    if (request === undefined || this.ended) return;
    const started = performance.now();
    this.committing = true;
    const outcomes = await intents.order();
    this.committing = false;
    this.spent += performance.now() - started;
    reportProcReceive(reply, request.commands, ({ ref }) => outcomes.get(ref)?.result ?? { refused: 'it was not announced' });
    reply.end();
    const errors = [...outcomes.values()].flatMap(({ error }) => error ?? []);
    sendWords(
      verdict,
      [...outcomes.values()].map(({ line }) => line),
    );
    sendVerdict(verdict, this.session.request, undefined);
    verdict.end();
    const [first] = errors;
    if (first === undefined || errors.length < outcomes.size) this.tell({ kind: 'accepted', facts: this.facts() });
    else this.tell(this.rejected(first));
    if (this.unwanted) this.process.stop();
  }

  private async commit({ procReceive, procReceiveReply: reply, verdict }: PushHooks): Promise<void> {
    const accepted = this.held;
    if (accepted === undefined) return;
    const { handover } = this.options.limits;
    const timer = setTimeout(() => {
      // At once, not when git has ended: other pushes wait for the lock, and git moves no ref without us.
      this.release();
      this.fail(
        new KvError('IO_ERROR', `git did not go on within ${handover / 1000} s after the push was accepted`, {
          hint: 'push again',
        }),
      );
    }, handover);
    const request = await readProcReceive(procReceive, reply).catch((error: unknown) => {
      this.options.log.error('push.proc-receive', { message: toKvError(error).message });
      this.stop();
      return undefined;
    });
    clearTimeout(timer);
    if (request === undefined || this.ended || this.held === undefined) return;
    const started = performance.now();
    let failure: KvError | undefined;
    try {
      checkSameCommands(accepted.request.commands, request.commands);
      this.committing = true;
      this.held = undefined;
      await this.options.gateway.commit(accepted);
    } catch (thrown) {
      failure = this.reject(thrown);
    }
    this.committing = false;
    this.spent += performance.now() - started;
    const reason = failure?.message.replace(/[\p{Cc}]+/gu, ' ').slice(0, 500);
    reportProcReceive(reply, request.commands, () => (reason === undefined ? { moved: null } : { refused: reason }));
    reply.end();
    sendVerdict(verdict, this.session.request, failure);
    verdict.end();
    if (failure === undefined) this.tell({ kind: 'accepted', facts: this.facts() });
    if (this.unwanted) this.process.stop();
  }

  /** Gives the lock back, unless a commit has taken it over. */
  private release(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    this.options.gateway.abandon(held);
    this.options.log.warn('push.abandoned', { request: this.session.request, pusher: this.session.pusher.name });
  }

  /** A fault of ours ends this push, and nothing else. */
  private broken(thrown: unknown): void {
    const cause = toKvError(thrown);
    this.options.log.error('push.broken', {
      request: this.session.request,
      message: cause.message,
      stack: (cause.cause as Error | undefined)?.stack,
    });
    this.committing = false;
    this.stop();
    const hint = "see the Stargate's log, and whether the refs have moved, before you push again";
    const error = new KvError('UNEXPECTED', 'the push broke off inside the Stargate', { cause, hint });
    this.tell(this.rejected(error));
    refuse(this.session, error);
  }

  private fail(error: KvError): void {
    refuse(this.session, this.reject(error));
    this.stop();
  }

  /** The client is gone, or may not go on: then it is told why, unless refs are moving. */
  private leave(): void {
    const { reason } = this.session.gone;
    if (KvError.is(reason) && !this.committing && !this.ended) this.fail(reason);
    else this.stop();
  }

  /** Refuses a push whose refs are not moving yet: whether they may is for the next leader to say. */
  depose(): void {
    if (this.committing || this.ended) return;
    this.release();
    this.fail(toKvError(this.options.over.reason));
  }

  /** Gives what the client is to be told. */
  private reject(thrown: unknown): KvError {
    const cause = toKvError(thrown);
    const error = this.options.room.told(cause);
    const { log } = this.options;
    const facts = { request: this.session.request, message: cause.message };
    if (error.code === 'UNEXPECTED') log.error('push.failed', { ...facts, stack: (cause.cause as Error | undefined)?.stack });
    else if (error !== cause) log.error('push.no-room', facts);
    this.tell(this.rejected(error));
    return error;
  }

  /** A push that git itself refused before any hook ran, or that its client broke off, gets its line too. */
  private async tellOfGit(): Promise<void> {
    const { session, options, words } = this;
    if (this.told) return;
    if ((this.stream.announcement?.commands.length ?? 0) === 0) return logEmpty(options.log, session);
    if (session.gone.aborted) return this.tell(this.rejected(new KvError('INTERRUPTED', 'the client broke the push off')));
    if (words.tellOfNoRoom) {
      const error = options.room.told(new KvError('STORAGE_FULL', 'git found no room for the push'));
      if (words.sayNoRoom || (await options.room.lack()) !== null) return this.fail(error);
    }
    const tooMuch = words.tooMuch(options.limits.git);
    if (tooMuch !== null) return this.fail(tooMuch);
    this.tell(this.rejected(new KvError('GIT_ERROR', `git refused the push before it was checked: ${words.complaint}`)));
  }

  private rejected(error: KvError): PushOutcome {
    return { kind: 'rejected', error, facts: this.facts() };
  }

  private facts(): PushFacts {
    const { stream, transactions, spent, started } = this;
    const commands = stream.announcement?.commands ?? [];
    return { commands, transactions, bytes: stream.bytes, ms: performance.now() - started, gatewayMs: spent };
  }

  /** Once: what is refused because it took too long may fail a second time, while it is being stopped. */
  private tell(outcome: PushOutcome): void {
    if (this.told) return;
    this.told = true;
    this.trace(outcome);
    try {
      this.options.onOutcome(outcome, this.session);
    } catch (error) {
      this.options.log.error('push.outcome', { message: toKvError(error).message });
    }
  }

  private trace({ facts: { bytes, transactions }, ...outcome }: PushOutcome): void {
    const { trace } = this.session;
    if (trace === undefined) return;
    const sum = (of: 'set' | 'del'): number => transactions.reduce((total, one) => total + one[of], 0);
    const txn = transactions.map((one) => one.txn);
    trace.note({ bytes, txn, ns: [...new Set(transactions.map(({ ns }) => ns))], set: sum('set'), del: sum('del') });
    if (outcome.kind === 'rejected') trace.refused(outcome.error);
    else trace.note({ code: 'OK' });
  }

  /** Ends git, unless refs are moving: a commit that has begun is finished even if nobody is left to hear of it. */
  private stop(): void {
    this.unwanted = true;
    if (!this.committing) this.process.stop();
  }
}
