import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isOutOfSpace, KvError, type ObjectExchange, type Oid, startChild, withoutSecrets } from '../../../ports/index.js';
import { checkOid } from '../process/guard.js';
import type { Hosted } from '../process/hosted.js';
import { noGit } from '../process/run-git.js';

/**
 * What stands in a `.keep` file of ours: a repack beside, of a git before 2.42, takes a pack that has no index yet for one that it has rolled up,
 * and deletes it. What a crash leaves behind, the store lets go of.
 */
const KEPT_BY_US = 'git-kv';

/** How much is kept of what git says on its standard error, characters. */
const MAX_SAID = 4000;

/** Packs, as git's own fetch and push make them. */
export class GitExchange implements ObjectExchange {
  constructor(private readonly hosted: Hosted) {}

  async *send(want: readonly Oid[], have: readonly Oid[], signal?: AbortSignal): AsyncIterable<Uint8Array> {
    if (want.length === 0) return;
    const input = [...want.map(checkOid), '--not', ...have.map(checkOid)].join('\n');
    const git = this.start(['pack-objects', '--revs', '--stdout', '--thin', '--delta-base-offset', '-q'], 'pack-objects');
    git.over.catch(() => undefined); // awaited below, where whoever asked has not left before
    const end = (): void => void git.child.kill('SIGTERM');
    signal?.addEventListener('abort', end, { once: true });
    try {
      if (signal?.aborted) end();
      git.child.stdin?.end(`${input}\n`);
      for await (const piece of git.child.stdout ?? []) yield piece as Buffer; // no encoding is set
      await git.over;
    } finally {
      signal?.removeEventListener('abort', end);
      end(); // whoever asked may have left
    }
  }

  async receive(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const source = bytes[Symbol.asyncIterator]();
    const first = await source.next();
    if (first.done === true) return;
    const git = this.start(['index-pack', '--stdin', '--fix-thin', `--keep=${KEPT_BY_US}`], 'index-pack');
    git.over.catch(() => undefined); // awaited below, where the stream did not break off first
    let told = '';
    git.child.stdout?.on('data', (piece: Buffer) => {
      told += piece.toString('latin1');
    });
    try {
      for (let next: IteratorResult<Uint8Array> = first; next.done !== true; next = await source.next()) {
        if (git.child.stdin?.destroyed !== false) break; // git has had enough: its status says why
        if (!git.child.stdin.write(next.value)) await drained(git.child);
      }
    } catch (error) {
      git.child.kill('SIGTERM');
      throw error;
    }
    git.child.stdin?.end();
    await git.over;
    const kept = /^keep\t([0-9a-f]+)\n$/.exec(told)?.[1];
    if (kept !== undefined) await rm(join(this.hosted.gitDir, 'objects', 'pack', `pack-${kept}.keep`), { force: true });
  }

  private start(args: readonly string[], verb: string): { readonly child: ChildProcess; readonly over: Promise<void> } {
    const { gitDir, serviceEnv: env } = this.hosted;
    let failed: (error: KvError) => void = () => undefined;
    const cannot = new Promise<never>((_, reject) => {
      failed = reject;
    });
    const all = ['-C', gitDir, '-c', 'core.fsync=objects,derived-metadata', ...args];
    const child = startChild('git', () => spawn('git', all, { cwd: '/', env, stdio: 'pipe' }), failed, noGit);
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => {
      said = (said + piece.toString('utf8')).slice(-MAX_SAID);
    });
    child.stdin?.on('error', () => undefined); // git did not want the input: its status says why
    const ended = new Promise<void>((resolve, reject) => {
      child.once('close', (status) => {
        if (status === 0) resolve();
        else
          reject(
            new KvError(
              isOutOfSpace(said) ? 'STORAGE_FULL' : 'GIT_ERROR',
              `git ${verb} failed: ${withoutSecrets(said).trim().split('\n').slice(-3).join('; ') || `status ${status}`}`,
            ),
          );
      });
    });
    return { child, over: Promise.race([ended, cannot]) };
  }
}

function drained({ stdin }: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    stdin?.once('drain', resolve);
    stdin?.once('close', resolve);
  });
}
