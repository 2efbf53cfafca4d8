import { type Principal, principalsOf } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { PeerAnswer, ReceivedRequest } from '../../../ports/stargate/peer-transport.js';
import { type ExecSession, refuse } from '../exec-session.js';
import type { Log } from '../log/log.js';
import { notListed } from '../permission.js';
import { fingerprintOf } from '../ssh/auth.js';
import type { Route } from '../ssh/route.js';
import { ForwardedSession } from './forwarded-session.js';
import { type Asked, decodeAsked, encodeFrame } from './frames.js';

/** What taking commands from standbys needs of the repository. */
export interface ForwardedOptions {
  /** Serves a command here, as if its client had come here. */
  readonly route: Route;
  /** This leader's. */
  readonly policy: () => Policy;
  /** Whether a server is a member, and this one leads. Throws `NOT_LEADER`. */
  readonly requireLeading: () => Promise<void>;
  readonly isMember: (server: string) => boolean;
  readonly log: Log;
}

/** How long a standby may say nothing before its client counts as gone, and how often that is looked at, ms. */
const SILENCE_MS = 15_000;
const LOOK_MS = 1000;

/**
 * The commands that standbys hand on to this server, which leads. Nothing is believed of a standby but which key its client has proved: the
 * policy here says whose that is and what it may do, and the command is served as one that came here.
 */
export class ForwardedSessions {
  private readonly sessions = new Map<string, ForwardedSession>();
  private readonly reaping: NodeJS.Timeout;
  private readonly identify: (fingerprint: string) => Principal;

  constructor(private readonly options: ForwardedOptions) {
    this.identify = identify(options.policy);
    this.reaping = setInterval(() => this.reap(), LOOK_MS);
    this.reaping.unref();
  }

  /** How many are open. */
  get size(): number {
    return this.sessions.size;
  }

  /** Answers one request of a standby. */
  async handle({ from, body }: ReceivedRequest): Promise<PeerAnswer> {
    const { asked, bytes } = decodeAsked(body);
    const name = `${from} ${asked.id}`;
    if (asked.op === 'open') {
      await this.open(from, name, asked);
      return { body: encodeFrame(null) };
    }
    const session = this.sessions.get(name);
    if (asked.op === 'leave') session?.leave();
    if (asked.op === 'leave') return { body: encodeFrame(null) };
    if (session === undefined) throw new KvError('NOT_FOUND', 'no such command is served here, or no more');
    session.heard = performance.now();
    if (asked.op === 'alive') return { body: encodeFrame(null) };
    if (asked.op === 'input') {
      await session.take(asked.seq, bytes, asked.end === 1);
      return { body: encodeFrame(null) };
    }
    const { told, bytes: heard } = await session.give(asked.seq);
    if (told.status !== null) this.sessions.delete(name);
    return { body: encodeFrame(told, heard) };
  }

  /** Ends all of them. */
  close(): void {
    clearInterval(this.reaping);
    for (const session of this.sessions.values()) session.leave();
  }

  private async open(from: string, name: string, asked: Extract<Asked, { op: 'open' }>): Promise<void> {
    const { route, policy, isMember, requireLeading, log } = this.options;
    if (!isMember(from)) throw new KvError('POLICY_VIOLATION', `${from} is no member of the cluster, and hands nothing on`);
    await requireLeading();
    const { standby, limits } = policy();
    if (standby !== 'forward')
      throw new KvError('NOT_LEADER', 'the policy of the leader takes no commands from a standby', {
        hint: 'push to the leader',
        advice: { id: 'push-to-leader' },
      });
    if (this.sessions.has(name))
      throw new KvError('PEER_REFUSED', 'the same command has come before', { details: { reason: 'replayed' } });
    if (this.sessions.size >= limits.sessions)
      throw new KvError('BUSY', `${this.sessions.size} commands of standbys are served, which is as many as may`, {
        hint: 'try again later',
      });
    const pusherNow = (): Principal => this.identify(asked.fingerprint);
    const pusher = pusherNow();
    const routed = route(asked.command, pusher);
    const forwarded = new ForwardedSession();
    this.sessions.set(name, forwarded);
    const session: ExecSession = {
      ...{ pusher, pusherNow, fingerprint: asked.fingerprint, request: asked.request, remote: `${asked.remote} by ${from}` },
      ...{ gitProtocol: asked.gitProtocol ?? undefined, gone: forwarded.gone },
      ...{ input: forwarded.input, output: forwarded.output },
      complain: (text) => forwarded.tell('err', Buffer.from(text)),
    };
    const started = performance.now();
    void routed
      .serve(session)
      .catch((thrown: unknown) => refuse(session, toKvError(thrown)))
      .then((status) => {
        forwarded.end(status);
        const { kind } = asked.command;
        log.info('forward.served', { request: asked.request, from, kind, status, ms: Math.round(performance.now() - started) });
      });
  }

  /** Whoever asks for nothing any more has lost its client, or its way here. */
  private reap(): void {
    const since = performance.now() - SILENCE_MS;
    for (const [name, session] of this.sessions) {
      if (session.heard > since) continue;
      session.leave();
      this.sessions.delete(name);
    }
  }
}

/** Whose a key is, by its fingerprint; worked out once for each policy. Throws `POLICY_VIOLATION` for nobody's. */
function identify(policy: () => Policy): (fingerprint: string) => Principal {
  let known: Policy | undefined;
  let principals: ReadonlyMap<string, Principal> = new Map();
  return (fingerprint) => {
    const inForce = policy();
    if (inForce !== known)
      principals = new Map(principalsOf(inForce).map(({ key, principal }) => [fingerprintOf(key.blob), principal]));
    known = inForce;
    const found = principals.get(fingerprint);
    if (found === undefined) throw notListed();
    return found;
  };
}
