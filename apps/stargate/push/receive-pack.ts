import type { AcceptedPush, Gateway, PushRequest } from '../../../domain/gateway/accept/push.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitService, PushHooks, PushProcess } from '../../../ports/git-service.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Policy } from '../../../ports/policy-reader.js';
import type { RepositoryHost } from '../../../ports/repository-host.js';
import type { Log } from '../log.js';
import { checkSameCommands, type HookReport, quarantineOf, readHookReport, sendVerdict } from './pre-receive.js';
import { readProcReceive, reportProcReceive } from './proc-receive.js';
import { PushStream, type PushStreamLimits } from '../../../domain/git/wire/push-request.js';
import { clientOf, feed, refuse, type ExecSession, type ServeExec } from '../exec-session.js';

/** How large a push may be, and how long it may take. */
export interface PushLimits extends PushStreamLimits {
  /** Milliseconds for one push, from the command to the report. */
  readonly timeout: number;
  /** Milliseconds that git may take from the verdict to its proc-receive hook: the commit lock is held meanwhile. */
  readonly handover: number;
}

/** The limits of a Stargate: 2 GiB, a million objects, ten minutes. */
export const PUSH_LIMITS: PushLimits = {
  maxObjects: 1_000_000,
  maxCommands: 1000,
  maxCommandBytes: 8 * 1024 * 1024,
  maxBytes: 2 * 1024 ** 3,
  timeout: 600_000,
  handover: 10_000,
};

/** The bounds under a policy: a push may bring the largest value that any namespace takes, with what Git needs around it. */
export function pushLimits(policy: Policy): PushLimits {
  const largest = Math.max(0, ...[...policy.namespaces.values()].map(({ maxValueTotal }) => maxValueTotal));
  const maxBytes = Math.max(PUSH_LIMITS.maxBytes, Math.ceil(largest * 1.05) + 64 * 1024 ** 2);
  return {
    ...PUSH_LIMITS,
    maxObjects: policy.maxPushObjects,
    maxBytes,
    timeout: Math.ceil((PUSH_LIMITS.timeout * maxBytes) / PUSH_LIMITS.maxBytes),
  };
}

/** What became of a push, for metrics and housekeeping. `ms` is what the gateway added: validation and commit. */
export type PushOutcome =
  | { readonly kind: 'accepted'; readonly accepted: AcceptedPush; readonly ms: number }
  | { readonly kind: 'rejected'; readonly error: KvError };

/** What serving pushes takes, while this Stargate leads. */
export interface ReceivePackOptions {
  readonly services: GitService;
  readonly host: RepositoryHost;
  readonly gateway: Gateway;
  readonly store: GitStore;
  /** Asked for each push. */
  readonly limits: PushLimits;
  /** Fires, with the KvError to refuse pushes with, when this Stargate leads no more. */
  readonly over: AbortSignal;
  readonly onOutcome: (outcome: PushOutcome) => void;
  readonly log: Log;
}

/**
 * Serves one push. Whatever way it ends, the gateway's lock is given back.
 * Throws `CONFIG_INVALID` for a store that can't see what a push brings before it is taken.
 */
export function serveReceivePack(options: ReceivePackOptions): ServeExec {
  if (!options.store.capabilities.quarantines.includes('given')) {
    throw new KvError('CONFIG_INVALID', "the profile's git-store reads no quarantine of a push", { hint: 'use git-cli' });
  }
  const atHand = new Set<Push>();
  options.over.addEventListener(
    'abort',
    () => {
      for (const push of atHand) push.depose();
    },
    { once: true },
  );
  return async (session) => {
    options.over.throwIfAborted();
    const push = new Push(session, options);
    atHand.add(push);
    try {
      return await push.run();
    } finally {
      atHand.delete(push);
      // Once another leads, a quarantine may be that of a push to it.
      if (push.unwanted && atHand.size === 0 && !options.over.aborted) await options.host.sweepQuarantines(0);
    }
  };
}

class Push {
  private readonly stream: PushStream;
  private readonly process: PushProcess;
  private held: AcceptedPush | undefined;
  private spent = 0;
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
    this.process = services.receive({ gitProtocol: session.gitProtocol, maxBytes: limits.maxBytes }, clientOf(session));
  }

  async run(): Promise<number> {
    const { session, options } = this;
    const timer = setTimeout(() => {
      this.fail(
        new KvError('IO_ERROR', `the push took longer than ${options.limits.timeout / 1000} s`, { hint: 'push less at a time' }),
      );
    }, options.limits.timeout);
    const leave = (): void => this.stop();
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
      return status;
    } finally {
      clearTimeout(timer);
      session.gone.removeEventListener('abort', leave);
      this.release();
    }
  }

  private isTaken(bytes: Uint8Array): boolean {
    try {
      this.stream.push(bytes);
      return true;
    } catch (error) {
      this.fail(toKvError(error));
      return false;
    }
  }

  /** The two hooks, one after the other. */
  private async converse(): Promise<void> {
    const { hooks } = this.process;
    const report = await readHookReport(hooks.preReceive);
    if (report === undefined) return;
    try {
      this.held = await this.validate(report);
    } catch (thrown) {
      this.reject(thrown);
      sendVerdict(hooks.verdict, thrown);
      return;
    }
    sendVerdict(hooks.verdict, undefined);
    await this.commit(hooks);
  }

  private async validate(report: HookReport): Promise<AcceptedPush> {
    const { host, gateway, store: repository } = this.options;
    const announced = this.stream.announcement;
    if (announced === undefined) throw new KvError('UNEXPECTED', 'a hook ran before the command list was read');
    checkSameCommands(announced.commands, report.commands);
    const quarantine = quarantineOf(report);
    if (quarantine !== null) await host.prepareQuarantine(quarantine);
    const store = await repository.openQuarantine(quarantine);
    const started = performance.now();
    try {
      const request: PushRequest = { pusher: this.session.pusher, atomic: announced.atomic, commands: announced.commands };
      return await gateway.validate(request, store);
    } finally {
      this.spent += performance.now() - started;
      // The verdict stands, whatever becomes of the reader.
      await store
        .close()
        .catch((error: unknown) => this.options.log.warn('push.quarantine.close', { message: toKvError(error).message }));
    }
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
    let failure: unknown;
    try {
      checkSameCommands(accepted.request.commands, request.commands);
      this.committing = true;
      this.held = undefined;
      await this.options.gateway.commit(accepted);
    } catch (thrown) {
      failure = thrown ?? new Error('commit failed');
      this.reject(failure);
    }
    this.committing = false;
    this.spent += performance.now() - started;
    const reason =
      failure === undefined
        ? undefined
        : toKvError(failure)
            .message.replace(/[\p{Cc}]+/gu, ' ')
            .slice(0, 500);
    reportProcReceive(reply, request.commands, reason);
    reply.end();
    sendVerdict(verdict, failure);
    verdict.end();
    if (failure === undefined) this.tell({ kind: 'accepted', accepted, ms: this.spent });
    if (this.unwanted) this.process.stop();
  }

  /** Gives the lock back, unless a commit has taken it over. */
  private release(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    this.options.gateway.abandon(held);
    this.options.log.warn('push.abandoned', { pusher: this.session.pusher.name });
  }

  /** A fault of ours ends this push, and nothing else. */
  private broken(thrown: unknown): void {
    const cause = toKvError(thrown);
    this.options.log.error('push.broken', { message: cause.message, stack: (cause.cause as Error | undefined)?.stack });
    this.committing = false;
    this.stop();
    const hint = "see the Stargate's log, and whether the refs have moved, before you push again";
    refuse(this.session, new KvError('UNEXPECTED', 'the push broke off inside the Stargate', { cause, hint }));
  }

  private fail(error: KvError): void {
    this.reject(error);
    refuse(this.session, error);
    this.stop();
  }

  /** Refuses a push whose refs are not moving yet: whether they may is for the next leader to say. */
  depose(): void {
    if (this.committing || this.ended) return;
    this.release();
    this.fail(toKvError(this.options.over.reason));
  }

  private reject(thrown: unknown): void {
    const error = toKvError(thrown);
    const { log } = this.options;
    if (error.code === 'UNEXPECTED')
      log.error('push.failed', { message: error.message, stack: (error.cause as Error | undefined)?.stack });
    this.tell({ kind: 'rejected', error });
  }

  /** Once: what is refused because it took too long may fail a second time, while it is being stopped. */
  private tell(outcome: PushOutcome): void {
    if (this.told) return;
    this.told = true;
    try {
      this.options.onOutcome(outcome);
    } catch (error) {
      this.options.log.error('push.outcome', { message: toKvError(error).message });
    }
  }

  /** Ends git, unless refs are moving: a commit that has begun is finished even if nobody is left to hear of it. */
  private stop(): void {
    this.unwanted = true;
    if (!this.committing) this.process.stop();
  }
}
