import { randomBytes } from 'node:crypto';
import { Fields } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError } from '../../../../ports/error.js';
import type { PeerAnswer, ReceivedRequest } from '../../../../ports/stargate/peer-transport.js';
import type { Log } from '../../log/log.js';
import { type PeerDispatch, TOPICS } from './dispatch.js';
import { PeerLosses } from './peer-losses.js';

/** How often servers say hello, and how long one is remembered that says so no more, ms. */
const BEAT_MS = 2000;
const FORGET_MS = 3 * BEAT_MS;
/** How long a hello may take, and the question who is there, which its answer may wait for, ms. */
const WITHIN_MS = 1000;
const ASKING_MS = 400;
/** Of how many processes of one name is remembered. */
const MOST_INSTANCES = 8;

/** What a server answers to a hello. */
interface Hello {
  /** The process that answers. */
  readonly instance: string;
  /** Another process that goes by the name of whoever says hello, and where it was met: `at` its address, or `by` that server alone. */
  readonly twin: { readonly instance: string; readonly met: 'at' | 'by'; readonly agoMs: number } | null;
}

/** How it is timed; only tests give others. */
export interface NamesakesTiming {
  readonly beatMs?: number;
  readonly now?: () => number;
}

/**
 * Keeps two processes from going by one server's name: each would vote for itself, and be counted as one. Servers say hello to each other, as
 * the process that they are; who hears two of one name, or finds another at the name's address, tells them.
 */
export class Namesakes {
  private readonly instance = randomBytes(8).toString('hex');
  /** When each process of a name was heard last. */
  private readonly heard = new Map<string, Map<string, number>>();
  private readonly began: number;
  private readonly end: () => void;
  private readonly losses: PeerLosses;
  private beating: NodeJS.Timeout | null = null;
  private named = '';

  constructor(
    private readonly dispatch: PeerDispatch,
    private readonly log: Log,
    private readonly timing: NamesakesTiming = {},
  ) {
    this.began = this.now();
    this.losses = new PeerLosses(log);
    this.end = dispatch.on(TOPICS.hello, '', (request) => this.hear(request));
  }

  /** Says hello to all others, before this server takes part. Throws `CONFIG_INVALID` where another process goes by its name. */
  async meet(): Promise<void> {
    const told = await this.greet();
    if (told.some(({ twin }) => twin.met === 'by')) {
      // It may have been this server, before it was started again: whoever is there is heard again.
      const beat = this.timing.beatMs ?? BEAT_MS;
      await new Promise((resolve) => setTimeout(resolve, beat + beat / 2));
      told.push(
        ...(await this.greet()).filter(({ twin }) => twin.agoMs < beat + beat / 2).map((one) => ({ ...one, again: true })),
      );
    }
    const found = told.find(({ twin, again }) => twin.met === 'at' || again);
    if (found === undefined) return this.beat();
    throw new KvError('CONFIG_INVALID', this.words(found.server, found.twin.met), {
      hint: 'give each server a name of its own (self in its profile, or SERVER_ID), and let its address lead to it',
    });
  }

  close(): void {
    this.end();
    if (this.beating !== null) clearInterval(this.beating);
  }

  private words(server: string, met: 'at' | 'by'): string {
    const { self } = this.dispatch.transport;
    return met === 'at'
      ? `two servers are called ${self}: server ${server} finds another one at the address of ${self}`
      : `two servers are called ${self}: server ${server} hears of another one`;
  }

  /** From now on says hello at times, and logs who is found. */
  private beat(): void {
    this.beating = setInterval(() => {
      void this.greet().then((told) => {
        const found = told.find(({ twin }) => twin.met === 'at' || this.now() - this.began > FORGET_MS);
        if (found === undefined || found.twin.instance === this.named) return;
        this.named = found.twin.instance;
        this.log.error('cluster.namesake', {
          server: this.dispatch.transport.self,
          message: this.words(found.server, found.twin.met),
        });
      });
    }, this.timing.beatMs ?? BEAT_MS);
    this.beating.unref();
  }

  /** What the others tell of a namesake; whoever can't be reached, or knows of no hello, tells nothing. */
  private async greet(): Promise<{ server: string; twin: NonNullable<Hello['twin']>; again?: boolean }[]> {
    const { transport } = this.dispatch;
    const others = transport.servers.filter((server) => server !== transport.self);
    const told = others.map(async (server) => {
      const twin = await this.say(server, false).then(
        (hello) => {
          this.losses.note(server, null);
          return hello.twin;
        },
        (error: unknown) => {
          // Only this tells a server that nobody speaks to why: it may have nothing else to say to the others.
          if (KvError.is(error) && error.code === 'PEER_REFUSED') this.losses.note(server, error);
          return null;
        },
      );
      return twin === null ? [] : [{ server, twin }];
    });
    return (await Promise.all(told)).flat();
  }

  /** `asking`: only who is there is to be told. */
  private async say(server: string, asking: boolean): Promise<Hello> {
    const body = Buffer.from(JSON.stringify({ instance: this.instance, asking }));
    const { body: said } = await this.dispatch.transport.call(
      server,
      { topic: TOPICS.hello, repository: '', body },
      { withinMs: asking ? ASKING_MS : WITHIN_MS },
    );
    const hello = Fields.parse(said, 'hello');
    if (!hello.has('twin')) return { instance: hello.text('instance'), twin: null };
    const twin = hello.child('twin');
    const met = twin.text('met') === 'at' ? 'at' : 'by';
    return { instance: hello.text('instance'), twin: { instance: twin.text('instance'), met, agoMs: twin.count('agoMs') } };
  }

  private async hear({ from, body }: ReceivedRequest): Promise<PeerAnswer> {
    const asked = Fields.parse(body, 'hello');
    const asks = asked.text('instance').slice(0, 64);
    const isAsking = asked.has('asking') && asked.flag('asking');
    const twin = isAsking ? null : await this.twinOf(from, asks);
    return { body: Buffer.from(JSON.stringify({ instance: this.instance, twin } satisfies Hello)) };
  }

  private async twinOf(name: string, instance: string): Promise<Hello['twin']> {
    const known = this.heard.get(name) ?? new Map<string, number>();
    this.heard.set(name, known);
    const now = this.now();
    for (const [other, at] of known) if (now - at > FORGET_MS) known.delete(other);
    const isNew = !known.has(instance);
    const others = [...known].filter(([other]) => other !== instance).sort(([, one], [, two]) => two - one);
    known.set(instance, now);
    if (known.size > MOST_INSTANCES) known.delete(known.keys().next().value as string); // there is a first
    if (!isNew && others.length === 0) return null;
    const there = await this.say(name, true).then(
      (hello) => hello.instance,
      () => null, // its address leads nowhere: then only what was heard tells
    );
    if (there === instance) return null;
    if (there !== null) return { instance: there, met: 'at', agoMs: 0 };
    const [newest] = others;
    return newest === undefined ? null : { instance: newest[0], met: 'by', agoMs: Math.round(now - newest[1]) };
  }

  private now(): number {
    return this.timing.now?.() ?? performance.now();
  }
}
