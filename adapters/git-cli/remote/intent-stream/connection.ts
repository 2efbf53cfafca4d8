import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { KvError } from '../../../../ports/error.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import type { IntentConnection } from '../../../../ports/clone/intent-stream.js';
import { startChild } from '../../../../ports/start-child.js';
import type { GitPlace } from '../../process/run-git.js';
import { saidSoFar } from '../../process/said.js';
import { failedCall } from '../held-verb.js';
import { BEFORE } from '../push-outcome.js';
import { SilenceWatch } from '../failure/silence.js';
import { noOpenSsh } from '../ssh/ssh-program.js';

/** The bytes of one ssh client's input and output. */
export class SshIntentConnection implements IntentConnection {
  /** Resolves when the client has ended, or could not be started. */
  readonly over: Promise<void>;
  private readonly child: ChildProcessWithoutNullStreams;
  private stderr = '';
  private code: number | null = null;
  private heard = false;
  private exited = false;
  private ended = false;
  private closed = false;
  private broken: KvError | null = null;
  /** Runs once the other side has been silent for too long, until the client and what it has started have ended. */
  private giving: Promise<void> | null = null;
  private wake: () => void = () => undefined;

  /** Starts the client; `url` is the other side's, for messages. Throws `IO_ERROR` or `BUSY` where it can't be started. */
  constructor(
    private readonly place: GitPlace,
    [program, args]: readonly [string, readonly string[]],
    private readonly url: string,
  ) {
    const { cwd, env } = place;
    let over = (): void => undefined;
    this.over = new Promise((resolve) => {
      over = () => {
        this.ended = true;
        resolve();
        this.wake();
      };
    });
    const start = () => spawn(program, args, { cwd, env: env as NodeJS.ProcessEnv, stdio: 'pipe' });
    const failed = (error: KvError): void => {
      this.broken ??= error;
      over();
    };
    const child = startChild(program, start, failed, (cause) => noOpenSsh(program, cause));
    this.child = child;
    child.stdin.on('error', () => undefined); // a client that has ended says why on its standard error
    for (const event of ['readable', 'end', 'close']) child.stdout.on(event, () => this.wake());
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr = saidSoFar(this.stderr, text)));
    child.on('close', (code) => {
      this.code = code;
      over();
    });
    // What was left on purpose counts as over before its last words are read.
    child.on('exit', () => {
      this.exited = true;
      if (this.closed || this.broken !== null) over();
    });
  }

  get usable(): boolean {
    return !this.exited && !this.ended && !this.closed && this.broken === null;
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (!this.usable || this.child.stdin.write(bytes)) return;
    await Promise.race([new Promise<void>((resolve) => this.child.stdin.once('drain', resolve)), this.over]);
  }

  async receive(): Promise<Uint8Array | null> {
    const watch = new SilenceWatch(this.place, this.child, this.url, (error, over) => {
      this.giving = over.then(() => {
        this.broken ??= error;
      });
      for (const stream of this.child.stdio) stream?.destroy();
      this.wake();
    });
    try {
      for (;;) {
        const chunk = this.closed ? null : (this.child.stdout.read() as Buffer | null);
        if (chunk !== null) {
          this.heard = true;
          return chunk;
        }
        if (this.giving !== null) await this.giving;
        if (this.broken !== null) throw this.broken;
        if (this.closed) return null;
        if (this.ended) return this.lastWord();
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      this.wake = () => undefined;
      watch.stop();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { child } = this;
    child.stdin.end();
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
    child.unref();
    this.wake();
  }

  /** What the client's end means: nothing when it ended well. Throws the Stargate's words, or ssh's. */
  private lastWord(): null {
    if (this.code === 0 && !this.stderr.includes('kv-error/1')) return null;
    const call = { program: '', argv: [], url: this.url, what: `cannot send intents to ${shownUrl(this.url)}` };
    const error = failedCall(call, this.code, this.stderr);
    const cut = !this.heard && error.code === 'IO_ERROR' && !BEFORE.test(this.stderr);
    throw cut ? error.with({ details: { sent: 'cut' } }) : error;
  }
}
