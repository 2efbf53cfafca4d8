import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';
import { OID_HEX_LENGTH } from '../../../ports/vocabulary.js';
import type { ObjectFormat, Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { gitFailed, runGit, spawnGit } from '../process/run-git.js';
import type { GitPlace } from '../process/run-git.js';
import { checkOid, checkRef } from '../process/guard.js';
import type { SyncLocks } from './ref-locks.js';
import { clearStaleLocks, removal } from './stale-locks.js';

const MANY = 500;

/** The refs that equal a pattern, or lie below one that ends in `/`. */
export async function listRefs(place: GitPlace, patterns: readonly string[]): Promise<Map<RefName, Oid>> {
  const found = new Map<RefName, Oid>();
  if (patterns.length === 0) return found;
  for (const pattern of patterns) checkRef(pattern.endsWith('/') ? `${pattern}x` : pattern);
  const exact = new Set(patterns);
  const below = patterns.filter((pattern) => pattern.endsWith('/'));
  // A command line has room for so many; past that, all refs are cheaper than several processes.
  const asked = patterns.length > MANY ? [] : patterns;
  const result = await runGit(place, ['for-each-ref', '--format=%(objectname) %(refname)', '--', ...asked]);
  if (result.code !== 0) throw gitFailed('cannot list refs', result.stderr);
  for (const line of result.stdout.toString('utf8').split('\n')) {
    const space = line.indexOf(' ');
    const name = line.slice(space + 1);
    // git takes `refs/kv/main` for a folder as well.
    if (space > 0 && (exact.has(name) || below.some((prefix) => name.startsWith(prefix)))) found.set(name, line.slice(0, space));
  }
  return found;
}

/** Refuses a transaction that git would not read as it is meant. */
function transactionLines(updates: readonly RefUpdate[], format: ObjectFormat): string[] {
  const none = '0'.repeat(OID_HEX_LENGTH[format]);
  return updates.map(({ ref, old, next }) => {
    checkRef(ref);
    if (old !== null) checkOid(old, format);
    if (next !== null) checkOid(next, format);
    if (old === next) return `verify ${ref} ${old ?? none}`;
    if (next === null) return `delete ${ref} ${old ?? none}`;
    return `update ${ref} ${next} ${old ?? none}`;
  });
}

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly reason: string;
  /** Resolves with what git wrote to stderr when the process has ended. */
  readonly ended: Promise<string>;
}

/** Moves refs through one lasting `git update-ref --stdin`; transactions run one after the other. */
export class RefTransactions {
  private running: Running | null = null;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly place: GitPlace,
    private readonly format: ObjectFormat,
    /** Makes what git has prepared durable before it is committed; null when git sees to that itself. */
    private readonly syncLocks: SyncLocks | null = null,
  ) {}

  apply(updates: readonly RefUpdate[], reason: string): Promise<void> {
    const lines = transactionLines(updates, this.format);
    if (lines.length === 0) return Promise.resolve();
    const result = this.turn.then(() => this.unlessStale(lines, updates, reason.trim() === '' ? 'git-kv' : reason));
    // The next one waits for this one, whatever becomes of it; this one's caller hears the outcome.
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** Lets what was asked for finish: a process killed within a transaction would leave lock files. */
  async close(): Promise<void> {
    await this.turn;
    await this.stop();
  }

  /** Once more when what was in the way was nobody's any more. */
  private async unlessStale(...[lines, updates, reason]: Parameters<RefTransactions['transact']>): Promise<void> {
    try {
      await this.transact(lines, updates, reason);
    } catch (error) {
      const lock = KvError.is(error) ? error.details?.['lock'] : undefined;
      if (!KvError.is(error) || typeof lock !== 'string') throw error;
      if ((await clearStaleLocks(lock)) > 0) return this.transact(lines, updates, reason);
      const hint = `read the newest state and try again; if no git process is running, a crash has left it: ${await removal(lock)}`;
      throw new KvError(error.code, error.message, { hint, details: { ...error.details } });
    }
  }

  private async transact(lines: readonly string[], updates: readonly RefUpdate[], reason: string): Promise<void> {
    // The reason is an argument of the process, not of the transaction.
    if (this.running !== null && this.running.reason !== reason) await this.stop();
    this.running ??= this.start(reason);
    const { child, ended } = this.running;
    const ask = async (commands: readonly string[], reply: string): Promise<void> => {
      const replied = answer(child, reply);
      child.stdin.write(`${commands.join('\n')}\n`);
      const outcome = await Promise.race([replied, ended]);
      if (outcome !== true) throw await this.refused(outcome, updates);
    };
    const prepare = ['start', ...lines, 'prepare'];
    if (this.syncLocks === null) return ask([...prepare, 'commit'], 'commit: ok\n');
    await ask(prepare, 'prepare: ok\n');
    try {
      await this.syncLocks(updates);
    } catch (error) {
      await this.stop(); // git gives up what is prepared, and its locks, when its input ends
      throw error;
    }
    await ask(['commit'], 'commit: ok\n');
  }

  /** Git gives no reason when it can't write a lock: the disk tells. */
  private async refused(stderr: string, updates: readonly RefUpdate[]): Promise<KvError> {
    const lock = UNWRITTEN.exec(stderr)?.[1];
    const room = lock === undefined ? null : await statfs(dirname(lock)).catch(() => null); // then it is something else
    if (room !== null && room.bavail === 0)
      return gitFailed(`cannot move ${named(updates)}`, `${stderr}\nNo space left on device`);
    return refused(stderr, updates);
  }

  private start(reason: string): Running {
    let broken: KvError | null = null;
    let stderr = '';
    const args = ['-c', 'core.fsync=objects,derived-metadata,reference', 'update-ref', '-m', reason, '--no-deref', '--stdin'];
    const child = spawnGit(this.place, args, (error) => (broken = error));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<string>((resolve, reject) => {
      child.on('close', () => {
        if (this.running?.child === child) this.running = null;
        if (broken === null) resolve(stderr);
        else reject(broken);
      });
    });
    // Whoever waits for a transaction hears it; an idle process that ends is simply started again.
    ended.catch(() => undefined);
    return { child, reason, ended };
  }

  private async stop(): Promise<void> {
    const running = this.running;
    if (running === null) return;
    running.child.stdin.end();
    await running.ended.catch(() => undefined);
  }
}

/** Resolves once git has written `reply` as its last line. */
function answer(child: ChildProcessWithoutNullStreams, reply: string): Promise<true> {
  return new Promise((resolve) => {
    let output = '';
    const listen = (chunk: Buffer): void => {
      output += chunk.toString('latin1');
      if (!output.endsWith(reply)) return;
      child.stdout.off('data', listen);
      resolve(true);
    };
    child.stdout.on('data', listen);
  });
}

const UNWRITTEN = /couldn't write '([^'\n]+\.lock)'/;
const MOVED = /cannot lock ref '([^']+)': (is at |reference already exists|reference is missing|unable to resolve reference)/;
const LOCKED = /cannot lock ref '([^']+)': Unable to create '([^']+\.lock)'/;

function refused(stderr: string, updates: readonly RefUpdate[]): KvError {
  const moved = MOVED.exec(stderr);
  if (moved !== null) {
    return new KvError('CAS_CONFLICT', `'${moved[1]}' is not where this change was built on`, {
      hint: 'read the newest state and try again',
      details: { ref: moved[1] },
    });
  }
  if (isOutOfSpace(stderr)) return gitFailed(`cannot move ${named(updates)}`, stderr); // with no room, no lock can be made
  const locked = LOCKED.exec(stderr);
  if (locked !== null) {
    return new KvError('CAS_CONFLICT', `'${locked[1]}' is locked by another process`, {
      details: { ref: locked[1], lock: locked[2] },
    });
  }
  return gitFailed(`cannot move ${named(updates)}`, stderr);
}

const named = (updates: readonly RefUpdate[]): string => updates.map(({ ref }) => `'${ref}'`).join(', ');
