import type { Readable, Writable } from 'node:stream';
import type { KvError } from '../../ports/error.js';
import type { ServiceClient, ServiceProcess } from '../../ports/git/git-service.js';
import { formatRejection } from '../../ports/rejection.js';
import type { Principal } from '../../domain/access/principal.js';
import type { CommandPlace } from './ssh/room/places.js';
import type { SessionTrace } from './session-trace.js';

/** A place among the pushes at work. */
export type PushPlace = Pick<CommandPlace, 'leave'>;

/** One exec request of an authenticated client, as the parts that serve it see it. */
export interface ExecSession {
  readonly pusher: Principal;
  /** Of the key that was proved, as ssh shows it: `SHA256:…`. */
  readonly fingerprint: string;
  /** Names this request in the log, and in what a client is told when it is refused. */
  readonly request: string;
  readonly remote: string;
  /** The value of GIT_PROTOCOL, checked; undefined when the client sent none. */
  readonly gitProtocol: string | undefined;
  readonly input: Readable;
  readonly output: Writable;
  /** Writes text to the client's standard error. */
  complain(text: string): void;
  /** Fires when the client is gone or the daemon has run out of patience; with a KvError as its reason, where the client is to be told that. */
  readonly gone: AbortSignal;
  /** Who the key belongs to by the policy as it is now. Throws `POLICY_VIOLATION` when it is nobody's any more. */
  pusherNow(): Principal;
  /** The place that it has among the commands at work; absent where it takes none. */
  readonly place?: Pick<CommandPlace, 'idle'> | undefined;
  /** Takes a place among the pushes at work, for a command that has none and becomes a push; absent where none are counted. Throws `BUSY`. */
  readonly enterPush?: (() => PushPlace) | undefined;
  /** Where its span grows; absent where nothing is traced. */
  readonly trace?: SessionTrace | undefined;
}

/** What serves an exec request; resolves with the exit status that the client sees. */
export type ServeExec = (session: ExecSession) => Promise<number>;

/** The exit status that git expects of a server side that refused before it spoke the protocol. */
export const REFUSED = 128;

/** Tells a client why it is refused. */
export function refuse(session: Pick<ExecSession, 'complain' | 'request'>, error: KvError): number {
  session.complain(`${formatRejection(error, session.request)}\n`);
  return REFUSED;
}

/** So many bytes may wait for the client before git has to. */
const AHEAD = 256 * 1024;

/** The client of an exec request, as a git process that serves it sees it. */
export function clientOf({ output, complain }: Pick<ExecSession, 'output' | 'complain'>): ServiceClient {
  return {
    output(bytes) {
      if (output.destroyed || output.writableEnded) return undefined;
      let written: () => void = () => undefined;
      const taken = new Promise<void>((resolve) => {
        written = resolve;
      });
      output.write(bytes, () => written());
      return output.writableLength < AHEAD ? undefined : taken;
    },
    errors: (bytes) => complain(new TextDecoder().decode(bytes)),
  };
}

/** Hands the client's bytes to a process, no faster than it takes them. `look` sees each piece first; false ends it there. */
export function feed(
  { input }: ExecSession,
  to: ServiceProcess['input'],
  look: (bytes: Uint8Array) => boolean = () => true,
): void {
  input.on('data', (bytes: Buffer) => {
    if (!look(bytes)) {
      input.pause();
      return;
    }
    const taken = to.write(bytes);
    if (taken === undefined) return;
    input.pause();
    void taken.then(() => input.resume());
  });
  input.once('end', () => to.end());
  input.resume(); // whoever has answered before has let it wait
}
