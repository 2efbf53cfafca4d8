import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { KvError } from '../../../../ports/error.js';
import { startChild } from '../../../../ports/start-child.js';
import { FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';
import type { GitPlace } from '../../process/run-git.js';
import { endOn } from '../../process/end-on.js';
import { saidSoFar } from '../../process/said.js';
import { SilenceWatch } from '../failure/silence.js';
import { noOpenSsh } from '../ssh/ssh-program.js';
import { type Greeting, readGreeting } from './conversation.js';
import { PktChannel } from './pkt-channel.js';

/** A connection to a receive-pack over ssh. It is used for one push, or given up. */
export class ReceivePackConnection {
  readonly channel: PktChannel;
  /** What the other side answers before it becomes a receive-pack, where it was asked something; null when it ends instead. */
  readonly answer: Promise<string | null>;
  /** What a receive-pack says first; null when it ends instead. */
  readonly greeting: Promise<Greeting | null>;
  /** All that the ssh client has written to its standard error. */
  stderr = '';
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ended: Promise<void>;
  /** Runs while it is the other side's turn to speak. */
  private watch: SilenceWatch;
  private broken: { readonly error: KvError; readonly over: Promise<void> } | null = null;
  private greeted = false;

  /** Starts the client; `url` is the other side's, for messages. `asks`: what it is to run there answers first. */
  constructor(
    private readonly place: GitPlace,
    [program, args]: readonly [string, readonly string[]],
    private readonly url: string,
    asks = false,
  ) {
    const { cwd, env } = place;
    let over = (): void => undefined;
    const start = () => spawn(program, args, { cwd, env: env as NodeJS.ProcessEnv, stdio: 'pipe' });
    const failed = (error: KvError): void => {
      this.broken = { error, over: Promise.resolve() };
      child.stdout.destroy();
      over();
    };
    const child = startChild(program, start, failed, (cause) => noOpenSsh(program, cause));
    this.child = child;
    this.watch = this.listen();
    for (const stream of [child.stdout, child.stderr]) stream.on('data', () => this.watch.heard());
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr = saidSoFar(this.stderr, text)));
    child.stdin.on('error', () => undefined); // a client that has ended says why on its standard error
    this.ended = new Promise((resolve) => {
      over = resolve;
      child.on('exit', () => {
        this.watch.stop();
        resolve();
      });
    });
    this.channel = new PktChannel(child.stdout);
    this.answer = asks ? this.channel.line() : Promise.resolve(null);
    this.greeting = this.answer
      .then(() => readGreeting(this.channel))
      .then((greeting) => {
        this.greeted = greeting !== null;
        this.watch.stop(); // the next word is ours, however long it takes to find
        return greeting;
      });
  }

  /** Sends bytes, after which the other side is to answer; they leave as fast as it takes them. */
  send(bytes: Uint8Array): void {
    this.watch.stop();
    this.watch = this.listen();
    this.child.stdin.write(bytes);
  }

  private listen(): SilenceWatch {
    return new SilenceWatch(this.place, this.child, this.url, (error, over) => {
      this.broken = { error, over };
      for (const stream of this.child.stdio) stream?.destroy();
    });
  }

  /** Breaks the connection off when a signal fires; whoever waits for the other side then finds its end, and `finish` throws `INTERRUPTED`. */
  endOn(signal: AbortSignal | undefined): void {
    endOn(signal, this.child, (error, over) => {
      this.watch.stop();
      this.broken = { error, over };
      for (const stream of this.child.stdio) stream?.destroy();
    });
  }

  /** Waits for the client's end after the other side has said all, or has broken off. Throws `IO_ERROR` when silence ended it. */
  async finish(): Promise<void> {
    this.child.stdin.end();
    await this.ended;
    this.watch.stop();
    if (this.broken === null) return;
    await this.broken.over;
    throw this.broken.error;
  }

  /** Leaves the other side without asking anything of it, and without waiting. */
  giveUp(): void {
    this.watch.stop();
    if (this.greeted) this.child.stdin.end(FLUSH_PKT);
    else this.child.kill();
    this.child.unref();
  }
}
