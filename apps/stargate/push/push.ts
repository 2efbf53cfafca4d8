import type { AcceptedPush, PushRequest } from '../../../domain/gateway/accept/push.js';
import type { Principal } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { PushHooks, PushProcess } from '../../../ports/git/git-service.js';
import { GitWords } from './git-words.js';
import type { ReceivePackOptions } from './push-options.js';
import { checkSameCommands, type HookReport, quarantineOf, readHookReport, sendVerdict, sendWords } from './pre-receive.js';
import { claimedTransactions } from './push-line.js';
import { PushReport } from './push-report.js';
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
  /** From the first byte until all has come. */
  private receiving: Span | undefined;
  private readonly report: PushReport;
  private readonly words: GitWords;
  private committing = false;
  private ended = false;
  /** Cut off before its end. */
  unwanted = false;

  constructor(
    private readonly session: ExecSession,
    private readonly options: ReceivePackOptions,
  ) {
    this.stream = new PushStream(options.limits);
    this.report = new PushReport(session, options, this.stream);
    const { services, limits } = options;
    this.words = new GitWords(clientOf(session));
    const turns = () => options.turns?.held() ?? [];
    const request = { gitProtocol: session.gitProtocol, maxBytes: limits.maxBytes, bounds: limits.git, turns };
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
      await this.report.endedByGit(this.words, (error) => this.fail(error));
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
    const startedAt = performance.timeOrigin + this.report.started;
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
      sendVerdict(hooks.verdict, this.session.request, this.report.reject(thrown));
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
        this.report.transactions = this.intents.transactions;
        return;
      }
      const request: PushRequest = { pusher, atomic, commands, turn, span, confirm };
      this.held = await gateway.validate(request, store);
      this.report.transactions = this.held.events;
    } catch (error) {
      this.report.transactions = await claimedTransactions(store, announced.commands);
      throw error;
    } finally {
      this.report.spent += performance.now() - started;
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
    this.report.spent += performance.now() - started;
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
    if (first === undefined || errors.length < outcomes.size) this.report.accepted();
    else this.report.rejected(first);
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
      failure = this.report.reject(thrown);
    }
    this.committing = false;
    this.report.spent += performance.now() - started;
    const reason = failure?.message.replace(/[\p{Cc}]+/gu, ' ').slice(0, 500);
    reportProcReceive(reply, request.commands, () => (reason === undefined ? { moved: null } : { refused: reason }));
    reply.end();
    sendVerdict(verdict, this.session.request, failure);
    verdict.end();
    if (failure === undefined) this.report.accepted();
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
    this.committing = false;
    this.stop();
    this.report.broken(thrown);
  }

  private fail(error: KvError): void {
    refuse(this.session, this.report.reject(error));
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

  /** Ends git, unless refs are moving: a commit that has begun is finished even if nobody is left to hear of it. */
  private stop(): void {
    this.unwanted = true;
    if (!this.committing) this.process.stop();
  }
}
