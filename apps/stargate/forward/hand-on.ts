import { once } from 'node:events';
import { KvError, toKvError } from '../../../ports/error.js';
import type { ServerId } from '../../../domain/gateway/replicate/entry.js';
import { type ExecSession, REFUSED, refuse, type ServeExec } from '../exec-session.js';
import type { SshCommand } from '../ssh/command.js';
import { type PeerDispatch, TOPICS } from '../cluster/peers/dispatch.js';
import { type Asked, decodeTold, encodeFrame, MAX_PIECE } from './frames.js';

/** What handing commands on to the leader takes. */
export interface HandOnOptions {
  readonly dispatch: PeerDispatch;
  readonly repository: string;
  /** Who leads, as far as this server knows. */
  readonly leader: () => ServerId | null;
  /** What a client is told where nobody is known to lead: it throws. */
  readonly refused: () => Promise<unknown>;
  /** A new name for a command, a ULID. */
  readonly newId: () => string;
  /** Milliseconds between two looks for who leads. */
  readonly pauseMs?: number;
}

/** How often whoever leads is looked for, and the pause between, ms: as long as a takeover may take. */
const MAX_TRIES = 25;
const PAUSE_MS = 200;
/** How long an answer may take, ms: the leader answers at once, or after a second. */
const WITHIN_MS = 10_000;
/** How often the leader hears of a client that hears nothing, ms: well below what it takes for gone. */
const ALIVE_MS = 5000;

/** Serves a command by handing it on to whoever leads, from its first byte to its last. */
export function handOn(command: SshCommand, options: HandOnOptions): ServeExec {
  return async (session) => {
    try {
      return await new HandedOn(command, session, options).run();
    } catch (thrown) {
      return refuse(session, toKvError(thrown));
    }
  };
}

/** One command on its way. */
class HandedOn {
  private readonly id: string;
  /** Whether the leader may have done something by now. */
  private mayHaveActed: boolean;

  constructor(
    private readonly command: SshCommand,
    private readonly session: ExecSession,
    private readonly options: HandOnOptions,
  ) {
    this.id = options.newId();
    this.mayHaveActed = command.kind === 'admin'; // it has all it needs from the beginning
  }

  async run(): Promise<number> {
    const { session } = this;
    const to = await this.open();
    if (to === null) return REFUSED;
    const leave = (): void => void this.ask(to, { op: 'leave', id: this.id }).catch(() => undefined); // it notices by itself
    session.gone.addEventListener('abort', leave, { once: true });
    if (session.gone.aborted) leave();
    void this.input(to).catch(() => undefined); // what became of it, the output tells
    try {
      return await this.output(to);
    } catch (thrown) {
      throw this.broken(toKvError(thrown));
    } finally {
      session.gone.removeEventListener('abort', leave);
    }
  }

  /** Begins it at the leader; gives who that is, null where the client has left. Nothing is handed on twice: who is asked leads, or refuses. */
  private async open(): Promise<ServerId | null> {
    const { fingerprint, remote, request, gitProtocol, gone } = this.session;
    const { leader, dispatch } = this.options;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (gone.aborted) return null;
      const to = leader();
      if (to !== null && to !== dispatch.transport.self) {
        const asked = { command: this.command, fingerprint, remote, request, gitProtocol: gitProtocol ?? null };
        const failed = await this.ask(to, { op: 'open', id: this.id, ...asked }).then(() => null, toKvError);
        if (failed === null) return to;
        if (failed.code !== 'NOT_LEADER' && failed.code !== 'NOT_FOUND' && failed.code !== 'IO_ERROR') throw failed;
        if (failed.code === 'IO_ERROR' && this.mayHaveActed) throw this.broken(failed);
      }
      await new Promise((resolve) => setTimeout(resolve, this.options.pauseMs ?? PAUSE_MS));
    }
    await this.options.refused();
    throw new KvError('NOT_LEADER', 'no server of the cluster is known to lead', { hint: 'try again in a moment' });
  }

  private async input(to: ServerId): Promise<void> {
    let seq = 0;
    // The same channel takes the answer: it must outlive its input.
    for await (const piece of this.session.input.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) // no encoding is set
      for (let at = 0; at < piece.length; at += MAX_PIECE) {
        this.mayHaveActed = true;
        await this.ask(to, { op: 'input', id: this.id, seq: seq++, end: 0 }, piece.subarray(at, at + MAX_PIECE));
      }
    await this.ask(to, { op: 'input', id: this.id, seq, end: 1 });
  }

  private async output(to: ServerId): Promise<number> {
    const { session } = this;
    for (let seq = 0; ; seq++) {
      const answer = await this.ask(to, { op: 'output', id: this.id, seq });
      const { pieces, status } = decodeTold(answer);
      for (const [kind, bytes] of pieces)
        if (kind === 'err') session.complain(Buffer.from(bytes).toString('utf8'));
        else if (!session.output.write(bytes)) await this.drained(to);
      if (status !== null) return status;
      if (session.gone.aborted) return REFUSED;
    }
  }

  /** Waits until the client has taken what it was told; the leader hears meanwhile that there is somebody. */
  private async drained(to: ServerId): Promise<void> {
    const { output, gone } = this.session;
    const telling = setInterval(() => void this.ask(to, { op: 'alive', id: this.id }).catch(() => undefined), ALIVE_MS); // the next question fails
    await once(output, 'drain', { signal: gone })
      .catch(() => undefined) // the client has left
      .finally(() => clearInterval(telling));
  }

  private async ask(to: ServerId, asked: Asked, bytes?: Uint8Array): Promise<Uint8Array> {
    const { dispatch, repository } = this.options;
    const request = { topic: TOPICS.forward, repository, body: encodeFrame(asked, bytes) };
    const { body, stream } = await dispatch.transport.call(to, request, { withinMs: WITHIN_MS });
    for await (const _ of stream); // it has none: its end is read
    return body;
  }

  /** What a client is told whose command broke off on its way: nothing was done where nothing was said, else nobody here knows. */
  private broken(cause: KvError): KvError {
    return this.mayHaveActed
      ? new KvError(
          'IO_ERROR',
          `the way to the leader broke off, and what has become of this is not known here: ${cause.message}`,
          {
            hint: 'send the same again: what has landed is known by its id',
            details: { sent: 'all' },
            cause,
          },
        )
      : new KvError('IO_ERROR', `the leader can't be reached from here, and nothing was sent to it: ${cause.message}`, {
          hint: 'try again in a moment',
          details: { sent: 'nothing' },
          cause,
        });
  }
}
