import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Place } from '../support/worlds/place.js';

export interface Fault {
  readonly code: string;
  readonly what: string;
  readonly key?: string;
  readonly object?: string;
}

/** A repository of a clone's own, its objects all loose, and the ways in which it can be spoilt. */
export class Spoilt {
  readonly place = new Place();
  private readonly refs = new Map<string, string>();

  async fill(): Promise<void> {
    const { place } = this;
    const file = join(place.home, 'large');
    writeFileSync(file, randomBytes(1_500_000));
    await place.ok(['set', 'cfg:a', 'one']);
    await place.ok(['set', 'cfg:b', 'two', '--ttl', '30d']);
    await place.ok(['set', 'large', '--file', file, '--max-inline', '64KiB']);
    await place.ok(['set', 'cfg:a', 'three']);
    await place.ok(['set', 'gone', 'x']);
    await place.ok(['del', 'gone']);
    this.explode();
  }

  git(...args: string[]): string {
    return this.place.git(...args).trim();
  }

  input(input: string | Uint8Array, ...args: string[]): string {
    const { repo, env } = this.place;
    return execFileSync('git', args, { cwd: repo, env, input, encoding: 'utf8' }).trim();
  }

  file(oid: string): string {
    return join(this.place.repo, '.git', 'objects', oid.slice(0, 2), oid.slice(2));
  }

  /** The blob or tree at a path of a ref. */
  at(ref: string, path: string): string {
    return this.git('rev-parse', `${ref}:${path}`);
  }

  /** The path of a ref's tree that ends so. */
  path(ref: string, end: string): string {
    const found = this.git('ls-tree', '-r', '--name-only', ref)
      .split('\n')
      .find((path) => path.endsWith(end));
    if (found === undefined) throw new Error(`no path ends in ${end}`);
    return found;
  }

  /** Puts a blob at a path of a tree, or takes the path away; gives the new tree. */
  tree(from: string, path: string, blob: string | null): string {
    const env = { ...this.place.env, GIT_INDEX_FILE: join(this.place.home, 'index') };
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: this.place.repo, env, encoding: 'utf8' }).trim();
    git('read-tree', from);
    if (blob === null) git('update-index', '--force-remove', path);
    else git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`);
    return git('write-tree');
  }

  /** Replaces the last transaction by one with another index tree, bound and signed as it should be. */
  amend(indexTree: string): void {
    const message = (ref: string): string => `${this.git('log', '-1', '--format=%B', ref)}\n`;
    const parents = (ref: string): string[] =>
      this.git('log', '-1', '--format=%P', ref)
        .split(' ')
        .filter(Boolean)
        .flatMap((oid) => ['-p', oid]);
    const ledgerTree = this.git('rev-parse', 'refs/kv/main^{tree}');
    const indexText = message('refs/kv-index/main').replace(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${ledgerTree}`);
    const text = message('refs/kv/main').replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${indexTree}`);
    const index = this.input(indexText, 'commit-tree', ...parents('refs/kv-index/main'), indexTree);
    const ledger = this.input(text, 'commit-tree', '-S', ...parents('refs/kv/main'), ledgerTree);
    this.git('update-ref', 'refs/kv-index/main', index);
    this.git('update-ref', 'refs/kv/main', ledger);
  }

  async verify(...args: string[]): Promise<{ code: number | null; faults: Fault[]; stderr: string }> {
    const { code, stdout, stderr } = await this.place.kv(['verify', '--json', ...args]);
    const document = JSON.parse(stdout.toString()) as { faults?: Fault[]; error?: { details?: { faults: Fault[] } } };
    return { code, stderr, faults: document.error?.details?.faults ?? document.faults ?? [] };
  }

  explode(): void {
    const packs = join(this.place.repo, '.git', 'objects', 'pack');
    for (const name of readdirSync(packs).filter((each) => each.endsWith('.pack'))) {
      const bytes = readFileSync(join(packs, name));
      for (const end of ['.pack', '.idx', '.rev']) rmSync(join(packs, name.replace('.pack', end)), { force: true });
      this.input(bytes, 'unpack-objects', '-q');
    }
    for (const each of this.git('for-each-ref', '--format=%(refname) %(objectname)').split('\n')) {
      const [ref = '', oid = ''] = each.split(' ');
      this.refs.set(ref, oid);
    }
  }

  /** Sets refs back; objects are put back by whoever spoilt them. */
  restore(): void {
    for (const [ref, oid] of this.refs) this.git('update-ref', ref, oid);
  }

  overwrite(oid: string, content: Uint8Array | null): () => void {
    const file = this.file(oid);
    const before = readFileSync(file);
    chmodSync(file, 0o644);
    if (content === null) rmSync(file);
    else writeFileSync(file, content);
    return () => writeFileSync(file, before);
  }
}
