import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { KvError } from '../../../ports/error.js';
import { checkRead, type ReadBounds } from '../../../ports/git/read-bounds.js';
import type { ObjectType, Oid } from '../../../ports/vocabulary.js';
import { gitFailed, spawnGit } from '../process/run-git.js';
import type { GitPlace } from '../process/run-git.js';
import { ReplyParser } from './cat-file-reply.js';
import type { MakeReply } from './cat-file-reply.js';

// So many objects are worth a process with `--buffer`: the usual one flushes after every object.
const LARGE = 2000;
/** Requests from this size on go to such a process, once they were worth one together. */
const MANY = 64;

// Small objects all over large packs: few large windows would be mapped and dropped again for every few of them.
const BULK_WINDOWS = ['-c', 'core.packedGitWindowSize=1m', '-c', 'core.packedGitLimit=320m'];

interface Batch<T> {
  readonly bounds: ReadBounds | undefined;
  /** Bytes that were taken in. */
  held: number;
  readonly replies: (T | null)[];
  readonly lines: readonly string[];
  readonly resolve: (replies: (T | null)[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What stands around a request's lines. */
interface Framing {
  readonly before: string;
  readonly end: string;
}

const PLAIN: Framing = { before: '', end: '' };
const COMMANDS = { '--batch': { before: 'contents ', end: 'flush\n' }, '--batch-check': { before: 'info ', end: 'flush\n' } };

/** A session ended before it came to a request: who made it may ask another. */
const NOT_REACHED = Symbol('not reached');

/** One running `git cat-file` and the batches it still owes, oldest first. */
class Session<T> {
  readonly ended: Promise<void>;
  private readonly batches: Batch<T>[] = [];
  private readonly child: ChildProcessWithoutNullStreams;
  private failure: KvError | null = null;

  constructor(
    place: GitPlace,
    args: readonly string[],
    make: MakeReply<T>,
    private readonly framing: Framing,
    /** Told when nothing more is to be asked of it, and when its process has ended. */
    private readonly onFailure: () => void,
    onEnd: () => void,
  ) {
    this.child = spawnGit(place, args, (error) => this.fail(error));
    const parser = new ReplyParser<T>(
      make,
      (reply) => this.take(reply),
      (...object) => this.announced(...object),
      () => this.asked(),
    );
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

  send(lines: readonly string[], last: boolean, bounds?: ReadBounds): Promise<(T | null)[]> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) return reject(this.failure);
      this.batches.push({ replies: [], lines, resolve, reject, bounds, held: 0 });
      const { before, end } = this.framing;
      const text = `${before}${lines.join(`\n${before}`)}\n${end}`;
      if (last) this.child.stdin.end(text);
      else this.child.stdin.write(text);
    });
  }

  /** A reader has nothing to lose: it is ended at once, and what it still owed is refused. */
  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** What is too large is not read to its end either: the process goes, and those who asked after this one ask another. */
  private announced(oid: Oid, type: ObjectType, size: number): void {
    const batch = this.batches[0];
    if (batch?.bounds !== undefined) checkRead(batch.bounds, oid, type, size, batch.held);
  }

  private asked(): string {
    const batch = this.batches[0];
    return batch?.lines[batch.replies.length] ?? '';
  }

  private take(reply: T | null): void {
    const batch = this.batches[0];
    if (batch === undefined) throw new KvError('GIT_ERROR', 'git cat-file answered what was not asked');
    batch.replies.push(reply);
    if (batch.bounds !== undefined) batch.held += (reply as { readonly body?: Uint8Array } | null)?.body?.length ?? 0;
    if (batch.replies.length === batch.lines.length) {
      this.batches.shift();
      batch.resolve(batch.replies);
    }
  }

  /** Git answers in order: a damaged object that ended it is one of the oldest request's. */
  private fail(error: KvError): void {
    this.failure ??= error;
    this.onFailure();
    for (const [i, batch] of this.batches.splice(0).entries()) batch.reject(i === 0 ? this.failure : NOT_REACHED);
  }
}

/**
 * Asks `git cat-file`: small requests share one lasting process, pipelined, and so do large ones, whose process buffers what it
 * answers. A git that can't be told where a large request ends gets a process for each.
 */
export class CatFile<T> {
  private lasting: Session<T> | null = null;
  private bulk: Session<T> | null = null;
  private readonly sessions = new Set<Session<T>>();
  private closed = false;
  /** Objects that were asked for in requests of many. */
  private many = 0;

  constructor(
    private place: GitPlace,
    private readonly mode: '--batch' | '--batch-check',
    private readonly make: MakeReply<T>,
    /** Whether git has `--batch-command`. */
    private commands = false,
  ) {}

  /** Starts the lasting process before the first request, to overlap with other work. What keeps it from starting, the request tells. */
  warm(): void {
    try {
      this.started();
    } catch {
      // No room for a process just now: there may be some when the first request comes.
    }
  }

  /** Later processes start here; `commands` says whether git has `--batch-command`. */
  moveTo(place: GitPlace, commands: boolean): void {
    this.place = place;
    this.commands = commands;
  }

  async ask(lines: readonly string[], bounds?: ReadBounds): Promise<(T | null)[]> {
    if (lines.length === 0) return [];
    for (;;) {
      try {
        return await this.send(lines, bounds);
      } catch (error) {
        if (error !== NOT_REACHED) throw error;
        if (this.closed) throw gitFailed('git cat-file was ended', '');
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.sessions].map((session) => session.end()));
  }

  private send(lines: readonly string[], bounds?: ReadBounds): Promise<(T | null)[]> {
    if (lines.length > LARGE && !this.commands)
      return this.start([this.mode, '--buffer'], BULK_WINDOWS).send(lines, true, bounds);
    if (lines.length > MANY) this.many += lines.length;
    if (this.commands && lines.length > MANY && this.many > LARGE) {
      this.bulk ??= this.start(['--batch-command', '--buffer'], BULK_WINDOWS, COMMANDS[this.mode]);
      return this.bulk.send(lines, false, bounds);
    }
    return this.started().send(lines, false, bounds);
  }

  private started(): Session<T> {
    this.lasting ??= this.start([this.mode]);
    return this.lasting;
  }

  private start(modes: readonly string[], settings: readonly string[] = [], framing: Framing = PLAIN): Session<T> {
    let session: Session<T> | null = null; // it may fail before it is made
    const retire = (): void => {
      if (session !== null && this.lasting === session) this.lasting = null;
      if (session !== null && this.bulk === session) this.bulk = null;
    };
    const args = [...settings, 'cat-file', ...modes];
    const made = new Session<T>(this.place, args, this.make, framing, retire, () => this.sessions.delete(made));
    session = made;
    this.sessions.add(made);
    return made;
  }
}
