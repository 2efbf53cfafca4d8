import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitCliStore, openGitStore } from '../adapters/git-cli/open.js';
import { nodeHasher } from '../adapters/hasher-node/open.js';
import type { GitStore } from '../ports/git/git-store.js';
import { utf8 } from '../domain/git/bytes.js';
import { encodeCommit } from '../domain/git/commit.js';
import { formatTime } from '../domain/ledger/value/metadata.js';
import { ObjectNamer } from '../domain/git/object.js';
import { epochRef, indexRef, ledgerRef } from '../domain/ledger/refs.js';
import { type Base, buildTransaction, type BuildContext, type Operation } from '../domain/ledger/transaction/transaction.js';
import { decodeCommit } from '../domain/git/commit.js';

/** A temporary folder with a clone-only repository of many keys, a signing key, and Git kept from other configuration. */
export interface Corpus {
  readonly folder: string;
  readonly repository: string;
  readonly env: Record<string, string>;
  readonly base: Base;
  git(repository: string, ...args: string[]): string;
  /** A copy to change, and to remove. */
  copy(): string;
  remove(): void;
}

export const NS = 'main';
export const IDENTITY = 'Ada <ada@example.org>';
export const NOW = Date.UTC(2026, 0, 15);
const PART = 100_000;
const PLANS = ['free', 'team', 'enterprise'];

/** `user:0000000`, `user:0000001`, … */
export function keyAt(i: number): string {
  return `user:${String(i).padStart(7, '0')}`;
}

/** About 60 bytes of JSON. */
export function valueAt(i: number, generation = 0): string {
  return JSON.stringify({ id: i, plan: PLANS[i % 3], seats: (i * 7) % 50, generation, region: `eu-${i % 9}` });
}

const hasher = nodeHasher();

export function setOf(key: string, text: string, now = NOW): Operation {
  const value = utf8(text);
  const meta = {
    ctype: 'application/json',
    ttl: null,
    etag: `blake3:${hasher.hex('blake3', value)}`,
    createdBy: 'ada@example.org',
    createdAt: formatTime(now),
    txn: '01KDYF0000ABCDEFGHJKMNPQRS',
  };
  return { op: 'set', key, value, meta };
}

export function contextOf(store: GitStore, now = NOW): BuildContext {
  const namer = new ObjectNamer(hasher, store.objectFormat);
  return { store, namer, ns: NS, identity: IDENTITY, now, txn: '01KDYF0000ABCDEFGHJKMNPQRS' };
}

/** Builds a repository whose ledger has `count` keys, in transactions of 100,000. */
export async function createCorpus(count: number): Promise<Corpus> {
  const folder = mkdtempSync(join(tmpdir(), 'git-kv-bench-'));
  const repository = join(folder, 'base');
  mkdirSync(join(folder, 'home'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'home'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C.UTF-8',
  };
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 30 });
  git(folder, 'init', '-q', '--initial-branch=main', repository);
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], { env });
  for (const [name, value] of [
    ['user.name', 'Ada'],
    ['user.email', 'ada@example.org'],
    ['gpg.format', 'ssh'],
    ['user.signingKey', key],
    ['gc.auto', '0'],
  ])
    git(repository, 'config', name as string, value as string);
  const store = await openGitStore({ directory: repository, env });
  let base: Base = { ledger: null, index: null, chunks: null, epoch: '2026Q1', parentEpoch: null };
  let first = '';
  for (let from = 0; from < count; from += PART) {
    const operations = Array.from({ length: Math.min(PART, count - from) }, (_, i) => setOf(keyAt(from + i), valueAt(from + i)));
    base = await commit(store, base, operations);
    first ||= base.ledger?.commit ?? '';
  }
  const refs = { [ledgerRef(NS)]: base.ledger?.commit, [indexRef(NS)]: base.index?.commit, [epochRef(NS)]: first };
  await store.updateRefs(
    Object.entries(refs).map(([ref, next]) => ({ ref, old: null, next: next as string })),
    'bench',
  );
  await store.close();
  let copies = 0;
  return {
    folder,
    repository,
    env,
    base,
    git,
    copy: () => {
      const path = join(folder, `copy-${copies++}`);
      cpSync(repository, path, { recursive: true });
      return path;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function commit(store: GitCliStore, base: Base, operations: readonly Operation[]): Promise<Base> {
  const context = contextOf(store);
  const draft = await buildTransaction(context, base, operations);
  const ledger = context.namer.object('commit', encodeCommit(draft.ledgerCommit, store.objectFormat));
  await store.write([...draft.objects, ledger]);
  const index = decodeCommit(draft.indexCommit.body, '', store.objectFormat).tree;
  return {
    ...base,
    ledger: { commit: ledger.oid, tree: draft.ledgerCommit.tree },
    index: { commit: draft.indexCommit.oid, tree: index },
  };
}
