import { PassThrough, Writable } from 'node:stream';
import { type Principal, principalsOf } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { PeerAnswer, ReceivedRequest } from '../../../ports/stargate/peer-transport.js';
import { type ExecSession, refuse } from '../exec-session.js';
import type { Log } from '../log/log.js';
import { notListed } from '../permission.js';
import { fingerprintOf } from '../ssh/auth.js';
import type { Route } from '../ssh/route.js';
import { type Asked, decodeAsked, encodeFrame, type Told } from './frames.js';

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

/** How long a standby waits for something to hear, ms; and how long one may say nothing before its client counts as gone. */
const WAIT_MS = 1000;
const SILENCE_MS = 15_000;
/** So much is kept for a client until its standby asks for it, bytes; and so much goes at a time. */
const AHEAD = 1024 * 1024;

/** One command of a client of another server, served here. */
class Forwarded {
  readonly input = new PassThrough({ highWaterMark: AHEAD });
  readonly output: Writable;
  private readonly leaving = new AbortController();
  /** What is to be heard, one after the other; of one kind together. */
  private pieces: (readonly ['out' | 'err', Uint8Array[]])[] = [];
  private held = 0;
  private status: number | null = null;
  private wake: () => void = () => undefined;
  private drained: (() => void)[] = [];
  private inputs = 0;
  private outputs = 0;
  heard = performance.now();

  constructor() {
    this.output = new Writable({
      highWaterMark: AHEAD,
      write: (bytes: Buffer, _encoding, done) => {
        this.tell('out', bytes);
        if (this.held < AHEAD) done();
        else this.drained.push(done);
      },
    });
    this.input.on('error', () => undefined); // nobody reads any more
  }

  get gone(): AbortSignal {
    return this.leaving.signal;
  }

  tell(kind: 'out' | 'err', bytes: Uint8Array): void {
    const last = this.pieces.at(-1);
    if (last?.[0] === kind) last[1].push(bytes);
    else this.pieces.push([kind, [bytes]]);
    this.held += bytes.length;
    this.wake();
  }

  end(status: number): void {
    this.status = status;
    this.input.destroy();
    this.wake();
  }

  leave(): void {
    this.leaving.abort();
    this.input.destroy();
    for (const done of this.drained.splice(0)) done();
  }

  /** Takes what the client says; resolves when there is room for more. */
  async take(seq: number, bytes: Uint8Array, end: boolean): Promise<void> {
    if (seq !== this.inputs++) throw outOfOrder();
    if (this.status !== null || this.input.destroyed) return;
    const hasRoom = bytes.length === 0 || this.input.write(bytes);
    if (end) this.input.end();
    else if (!hasRoom) await room(this.input);
  }

  /** What there is to hear, after a moment. */
  async give(seq: number): Promise<{ readonly told: Told; readonly bytes: Uint8Array }> {
    if (seq !== this.outputs++) throw outOfOrder();
    if (this.pieces.length === 0 && this.status === null)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, WAIT_MS);
        this.wake = () => {
          clearTimeout(timer);
          setImmediate(resolve); // with what is said in the same moment
        };
      });
    this.wake = () => undefined;
    const pieces = this.pieces.map(([kind, list]) => [kind, Buffer.concat(list)] as const);
    this.pieces = [];
    this.held = 0;
    for (const done of this.drained.splice(0)) done();
    const told: Told = { pieces: pieces.map(([kind, { length }]) => [kind, length]), status: this.status };
    return { told, bytes: Buffer.concat(pieces.map(([, bytes]) => bytes)) };
  }
}

/**
 * The commands that standbys hand on to this server, which leads. Nothing is believed of a standby but which key its client has proved: the
 * policy here says whose that is and what it may do, and the command is served as one that came here.
 */
export class ForwardedSessions {
  private readonly sessions = new Map<string, Forwarded>();
  private readonly reaping: NodeJS.Timeout;
  private readonly identify: (fingerprint: string) => Principal;

  constructor(private readonly options: ForwardedOptions) {
    this.identify = identify(options.policy);
    this.reaping = setInterval(() => this.reap(), WAIT_MS);
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
    const forwarded = new Forwarded();
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

/** Waits until a stream takes more, or is over; at most a moment, after which whoever asks again finds it as full. */
async function room(stream: PassThrough): Promise<void> {
  const events = ['drain', 'close', 'error'];
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of events) stream.off(event, done);
      resolve();
    };
    const timer = setTimeout(done, WAIT_MS);
    for (const event of events) stream.once(event, done);
  });
}

const outOfOrder = (): KvError =>
  new KvError('PEER_REFUSED', 'a piece of a command has come out of order', { details: { reason: 'frame' } });
