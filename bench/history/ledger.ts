import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitCliStore, openGitStore } from '../../adapters/git-cli/open.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import type { Clone } from '../../domain/client/clone/clone.js';
import { decodeCommit, encodeCommit } from '../../domain/git/commit.js';
import { epochRef, indexRef, ledgerRef } from '../../domain/ledger/refs.js';
import { type Base, buildTransaction, type Operation } from '../../domain/ledger/transaction/transaction.js';
import { newUlid } from '../../domain/ledger/ulid.js';
import { KvError } from '../../ports/error.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { contextOf, keyAt, NOW, NS, setOf, valueAt } from '../corpus.js';
import { stubRemotes } from '../../test/support/stub-remotes.js';

/** The key whose history is asked for: it changes in ten transactions, the seventh a deletion. */
export const HOT = 'cfg:mode';
export const CHANGES = 10;
const KEYS = 1000;
const FLUSH_EVERY = 500;
/** As long as an SSH signature is. */
const SIGNATURE = `-----BEGIN SSH SIGNATURE-----\n${`${'U1NIU0lHAAAAAQ'.repeat(5)}\n`.repeat(4)}-----END SSH SIGNATURE-----`;

export interface Ledger {
  readonly repository: string;
  readonly env: Record<string, string>;
  readonly store: GitCliStore;
  /** Every ledger commit, oldest first, and its transaction. */
  readonly commits: readonly Step[];
  git(...args: string[]): string;
  remove(): Promise<void>;
}

/** A clone-only repository of 1,000 keys whose ledger has `count` commits, each setting one key; packed as a clone would be. */
export async function createLedger(count: number): Promise<Ledger> {
  const folder = mkdtempSync(join(tmpdir(), 'git-kv-bench-'));
  const repository = join(folder, 'repo');
  mkdirSync(join(folder, 'home'));
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: join(folder, 'home'), LC_ALL: 'C.UTF-8' },
    ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  };
  execFileSync('git', ['init', '-q', '--initial-branch=main', repository], { env });
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: repository, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const builder = await openGitStore({ directory: repository, env });
  const commits = await buildChain(builder, count, operationsAt);
  await builder.close();
  git('repack', '-adq', '--depth=20', '--window=5');
  const store = await openGitStore({ directory: repository, env });
  const remove = async (): Promise<void> => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { repository, env, store, commits, git, remove };
}

/** A ledger commit, and the index commit and the ULID of its transaction. */
export interface Step {
  readonly oid: Oid;
  readonly index: Oid;
  readonly txn: string;
  readonly at: number;
}

/** What the transaction sets and deletes that is the `i`th of `count`; `at` in ms since the epoch. */
export type OperationsAt = (i: number, count: number, at: number, txn: string) => Operation[];

/** Builds `count` transactions one on another, with the product's own code, in an empty repository; gives them oldest first. */
export async function buildChain(
  store: GitCliStore,
  count: number,
  operationsAt: OperationsAt,
  signature: () => string = () => SIGNATURE,
): Promise<Step[]> {
  const pending = new Map<Oid, NewObject>();
  // Objects are written by the hundred thousand; until then they are read from here.
  const overlay = Object.create(store, {
    read: {
      value: async (oids: readonly Oid[]): Promise<(GitObject | null)[]> => {
        const stored = await store.read(oids.filter((oid) => !pending.has(oid)));
        let next = 0;
        return oids.map((oid) => pending.get(oid) ?? stored[next++] ?? null);
      },
    },
  }) as GitCliStore;
  const commits: Step[] = [];
  let base: Base = { ledger: null, index: null, chunks: null, epoch: '2026Q1', parentEpoch: null };
  for (let i = 0; i < count; i++) {
    const at = NOW + i * 60_000;
    const txn = newUlid(
      { now: () => at, sleep: async () => undefined },
      { bytes: (n) => Uint8Array.from({ length: n }, (_, b) => (i >> (8 * (b % 3))) & 255) },
    );
    const context = { ...contextOf(overlay, at), txn };
    const draft = await buildTransaction(context, base, operationsAt(i, count, at, txn));
    const ledger = context.namer.object(
      'commit',
      encodeCommit({ ...draft.ledgerCommit, signature: signature() }, store.objectFormat),
    );
    for (const object of [...draft.objects, ledger]) pending.set(object.oid, object);
    const index = decodeCommit(draft.indexCommit.body, '', store.objectFormat).tree;
    base = {
      ...base,
      ledger: { commit: ledger.oid, tree: draft.ledgerCommit.tree },
      index: { commit: draft.indexCommit.oid, tree: index },
    };
    commits.push({ oid: ledger.oid, index: draft.indexCommit.oid, txn, at });
    if (i % FLUSH_EVERY !== FLUSH_EVERY - 1 && i !== count - 1) continue;
    await store.write(pending.values());
    pending.clear();
  }
  const [first] = commits;
  const refs = { [ledgerRef(NS)]: base.ledger?.commit, [indexRef(NS)]: base.index?.commit, [epochRef(NS)]: first?.oid };
  await store.updateRefs(
    Object.entries(refs).map(([ref, next]) => ({ ref, old: null, next: next ?? null })),
    'bench',
  );
  return commits;
}

function operationsAt(i: number, count: number, at: number, txn: string): Operation[] {
  const set = (key: string, text: string): Operation => {
    const made = setOf(key, text, at);
    return 'meta' in made ? { ...made, meta: { ...made.meta, txn } } : made;
  };
  if (i === 0) return [set(HOT, 'off'), ...Array.from({ length: KEYS }, (_, k) => set(keyAt(k), valueAt(k)))];
  const every = count / CHANGES;
  if (i % every !== 0) return [set(keyAt((i * 7919) % KEYS), valueAt(i, i))];
  return i / every === 6 ? [{ op: 'del', key: HOT }] : [set(HOT, `mode ${i}`)];
}

/** The use cases' view of the repository; `prepares` false: no walk leaves a commit-graph behind. */
export function cloneOf({ store }: Ledger, prepares = false): Clone {
  const never = async (): Promise<never> => {
    throw new KvError('NOT_SUPPORTED', 'the bench has no remote');
  };
  return {
    store: prepares ? store : (Object.create(store, { prepareHistory: { value: undefined } }) as GitCliStore),
    ...stubRemotes(() => new KvError('NOT_SUPPORTED', 'the bench has no remote'), { remotes: { url: async () => null } }),
    config: { get: () => undefined, all: () => [], names: () => [], identity: never },
    clock: { now: () => Date.now(), sleep: never },
    hasher: nodeHasher(),
    remoteName: 'origin',
    forWriting: never,
    policyReader: never,
  };
}
