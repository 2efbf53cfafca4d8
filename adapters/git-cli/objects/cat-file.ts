import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { KvError } from '../../../ports/error.js';
import { gitFailed, spawnGit } from '../process/run-git.js';
import type { GitPlace } from '../process/run-git.js';
import { ReplyParser } from './cat-file-reply.js';
import type { MakeReply } from './cat-file-reply.js';

// Above this a process of its own with `--buffer` wins: the persistent one flushes after every object.
const ONE_SHOT = 2000;

interface Batch<T> {
  readonly replies: (T | null)[];
  readonly count: number;
  readonly resolve: (replies: (T | null)[]) => void;
  readonly reject: (error: unknown) => void;
}

/** One running `git cat-file` and the batches it still owes, oldest first. */
class Session<T> {
  readonly ended: Promise<void>;
  private readonly batches: Batch<T>[] = [];
  private readonly child: ChildProcessWithoutNullStreams;
  private failure: KvError | null = null;

  constructor(place: GitPlace, args: readonly string[], make: MakeReply<T>, onEnd: () => void) {
    this.child = spawnGit(place, args, (error) => this.fail(error));
    const parser = new ReplyParser<T>(make, (reply) => this.take(reply));
    let stderr = '';
    this.child.stdout.on('data', (chunk: Buffer) => {
      try {
        parser.push(chunk);
      } catch (error) {
        this.fail(error as KvError);
        this.child.kill('SIGKILL');
      }
    });
    this.child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4096)));
    this.ended = new Promise((resolve) => {
      this.child.on('close', () => {
        onEnd();
        this.fail(gitFailed('git cat-file ended', stderr));
        resolve();
      });
    });
  }

  send(lines: readonly string[], last: boolean): Promise<(T | null)[]> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) return reject(this.failure);
      this.batches.push({ replies: [], count: lines.length, resolve, reject });
      const text = `${lines.join('\n')}\n`;
      if (last) this.child.stdin.end(text);
      else this.child.stdin.write(text);
    });
  }

  /** A reader has nothing to lose: it is ended at once, and what it still owed is refused. */
  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private take(reply: T | null): void {
    const batch = this.batches[0];
    if (batch === undefined) throw new KvError('GIT_ERROR', 'git cat-file answered what was not asked');
    batch.replies.push(reply);
    if (batch.replies.length === batch.count) {
      this.batches.shift();
      batch.resolve(batch.replies);
    }
  }

  private fail(error: KvError): void {
    this.failure ??= error;
    for (const batch of this.batches.splice(0)) batch.reject(this.failure);
  }
}

/** Asks `git cat-file`: small requests share one lasting process, pipelined; a large one gets its own. */
export class CatFile<T> {
  private lasting: Session<T> | null = null;
  private readonly sessions = new Set<Session<T>>();

  constructor(
    private place: GitPlace,
    private readonly mode: '--batch' | '--batch-check',
    private readonly make: MakeReply<T>,
  ) {}

  /** Starts the lasting process before the first request, to overlap with other work. */
  warm(): void {
    this.lasting ??= this.start([]);
  }

  /** Later processes start here. */
  moveTo(place: GitPlace): void {
    this.place = place;
  }

  async ask(lines: readonly string[]): Promise<(T | null)[]> {
    if (lines.length === 0) return [];
    if (lines.length > ONE_SHOT) return this.start(['--buffer']).send(lines, true);
    this.warm();
    return (this.lasting as Session<T>).send(lines, false);
  }

  async close(): Promise<void> {
    await Promise.all([...this.sessions].map((session) => session.end()));
  }

  private start(extra: readonly string[]): Session<T> {
    const session: Session<T> = new Session<T>(this.place, ['cat-file', this.mode, ...extra], this.make, () => {
      this.sessions.delete(session);
      if (this.lasting === session) this.lasting = null;
    });
    this.sessions.add(session);
    return session;
  }
}
