import type { VerbFormat, VerbRole } from '../../../domain/admin/verb.js';
import { may, type Principal } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { EXIT_CODES } from '../../exit-codes.js';
import { type ExecSession, type PushPlace, refuse, type ServeExec } from '../exec-session.js';

/** Who asks, for a verb that answers before it is over. */
export interface AdminCall {
  readonly pusher: Principal;
  /** Of the key that was proved. */
  readonly fingerprint: string;
  /** Fires when the client is gone, or has no more to say: whoever only asks says nothing from the beginning. */
  readonly left: AbortSignal;
  /** Answers at once. */
  tell(report: unknown): void;
  /** Takes a place among the pushes at work, as one that comes by itself does. Throws `BUSY`. */
  enterPush(): PushPlace;
  /** Answers, and has `serve` go on with the session: what the client says from now on is for that. Its status is the verb's. */
  handOver(report: unknown, serve: ServeExec): Promise<void>;
}

/** One verb of `git-kv-admin`. Gives what the client gets as JSON; undefined when it has been told already. */
export interface AdminVerb {
  readonly name: string;
  readonly role: VerbRole;
  run(args: readonly string[], call: AdminCall): Promise<unknown>;
}

/** A verb of the domain, served by `run`: its words are read first, so that `run` meets none. */
export function served<Arguments, Report>(
  { name, role, decode }: VerbFormat<Arguments, Report>,
  run: (args: Arguments) => Promise<Report>,
): AdminVerb {
  return { name, role, run: async (words) => run(decode(words)) };
}

/** Where nobody counts places. */
const NO_PLACE: PushPlace = { leave: () => undefined };

/** As often as git's own server sides do it (`receive.keepAlive`). Milliseconds. */
const SIGN_OF_LIFE_MS = 5000;

/** Serves one admin request; errors leave as a `kv-error/1` line with the code's own exit status. */
export function serveAdmin(
  verbs: readonly AdminVerb[],
  name: string,
  args: readonly string[],
  signOfLifeMs = SIGN_OF_LIFE_MS,
): ServeExec {
  return async (session) => {
    // A client gives up a Stargate that says nothing; before JSON, an empty line means nothing.
    let status = 0;
    const living = setInterval(() => {
      if (!session.gone.aborted) session.output.write('\n');
    }, signOfLifeMs);
    try {
      const verb = verbs.find((candidate) => candidate.name === name);
      if (verb === undefined) {
        const known = verbs.map((candidate) => candidate.name).join(', ');
        throw new KvError('USAGE', `the Stargate has no verb '${name.slice(0, 60)}'`, { hint: `it knows: ${known}` });
      }
      if (verb.role === 'writer' && !may(session.pusher, 'push')) {
        throw new KvError('POLICY_VIOLATION', `'${name}' is for writers, and '${session.pusher.name}' is not one`, {
          hint: 'ask an admin to list the key as a writer of a namespace in the policy',
        });
      }
      if (verb.role === 'admin' && !may(session.pusher, 'administer')) {
        throw new KvError('POLICY_VIOLATION', `'${name}' is for admins, and '${session.pusher.name}' is not one`, {
          hint: 'ask an admin, or have the key added to stargate.admins in the policy',
        });
      }
      const tell = (report: unknown): void => void session.output.write(`${JSON.stringify(report)}\n`);
      const work = verb.run(args, {
        ...{ pusher: session.pusher, fingerprint: session.fingerprint },
        ...{ left: leaves(session), tell },
        enterPush: () => session.enterPush?.() ?? NO_PLACE,
        async handOver(answer, serve) {
          clearInterval(living);
          session.input.pause(); // until somebody listens again
          tell(answer);
          status = await serve(session);
        },
      });
      const report = await Promise.race([work, revoked(session.gone)]);
      if (report !== undefined) tell(report);
      return status;
    } catch (thrown) {
      const error = toKvError(thrown);
      refuse(session, error);
      return EXIT_CODES[error.code];
    } finally {
      clearInterval(living);
    }
  };
}

/** Rejects when a session is over for a reason that its client is to be told. What the verb has begun goes on. */
function revoked(gone: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const look = (): void => {
      if (KvError.is(gone.reason)) reject(gone.reason);
    };
    gone.addEventListener('abort', look, { once: true });
    if (gone.aborted) look();
  });
}

function leaves({ gone, input }: ExecSession): AbortSignal {
  const ended = new AbortController();
  input.once('end', () => ended.abort());
  input.resume(); // what it says is nothing to a verb, and its end is
  return AbortSignal.any([gone, ended.signal]);
}
