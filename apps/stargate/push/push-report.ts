import { KvError, toKvError } from '../../../ports/error.js';
import type { PushStream } from '../../../domain/git/wire/push-request.js';
import { type ExecSession, refuse } from '../exec-session.js';
import type { GitWords } from './git-words.js';
import { logEmpty, type PushedTransaction, type PushFacts } from './push-line.js';
import type { PushOutcome, ReceivePackOptions } from './push-options.js';

/** What is told of one push, to its client, the log and the trace; its outcome is told once. */
export class PushReport {
  /** When the push came, ms of `performance.now`. */
  readonly started = performance.now();
  /** What it brings, as far as that is known. */
  transactions: readonly PushedTransaction[] = [];
  /** How long the gateway has worked for it, ms. */
  spent = 0;
  private told = false;

  constructor(
    private readonly session: ExecSession,
    private readonly options: Pick<ReceivePackOptions, 'log' | 'room' | 'limits' | 'onOutcome'>,
    private readonly stream: PushStream,
  ) {}

  /** The push, or some of what it brings, was taken. */
  accepted(): void {
    this.tell({ kind: 'accepted', facts: this.facts() });
  }

  /** The push was refused, for what its client is told. */
  rejected(error: KvError): void {
    this.tell({ kind: 'rejected', error, facts: this.facts() });
  }

  /** The push is refused for what was thrown; gives what the client is to be told. */
  reject(thrown: unknown): KvError {
    const cause = toKvError(thrown);
    const error = this.options.room.told(cause);
    const { log } = this.options;
    const facts = { request: this.session.request, message: cause.message };
    if (error.code === 'UNEXPECTED') log.error('push.failed', { ...facts, stack: stackOf(cause) });
    else if (error !== cause) log.error('push.no-room', facts);
    this.rejected(error);
    return error;
  }

  /** A fault of ours has ended the push. */
  broken(thrown: unknown): void {
    const cause = toKvError(thrown);
    const { request } = this.session;
    this.options.log.error('push.broken', { request, message: cause.message, stack: stackOf(cause) });
    const hint = "see the Stargate's log, and whether the refs have moved, before you push again";
    const error = new KvError('UNEXPECTED', 'the push broke off inside the Stargate', { cause, hint });
    this.rejected(error);
    refuse(this.session, error);
  }

  /** A push that git itself refused before any hook ran, or that its client broke off, gets its line too. `fail` ends it with an error. */
  async endedByGit(words: GitWords, fail: (error: KvError) => void): Promise<void> {
    const { session, options } = this;
    if (this.told) return;
    if ((this.stream.announcement?.commands.length ?? 0) === 0) return logEmpty(options.log, session);
    if (session.gone.aborted) return this.rejected(new KvError('INTERRUPTED', 'the client broke the push off'));
    if (words.tellOfNoRoom) {
      const error = options.room.told(new KvError('STORAGE_FULL', 'git found no room for the push'));
      if (words.sayNoRoom || (await options.room.lack()) !== null) return fail(error);
    }
    const tooMuch = words.tooMuch(options.limits.git);
    if (tooMuch !== null) return fail(tooMuch);
    this.rejected(new KvError('GIT_ERROR', `git refused the push before it was checked: ${words.complaint}`));
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
}

const stackOf = ({ cause }: KvError): string | undefined => (cause as Error | undefined)?.stack;
