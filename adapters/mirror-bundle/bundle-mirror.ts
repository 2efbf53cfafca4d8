import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bundleFile,
  isMirroredRef,
  isOid,
  KvError,
  manifestFile,
  type MirrorManifest,
  type MirrorTarget,
  type MirrorUpdate,
  type MirroredMove,
  type Oid,
  parseManifestFile,
  type RefName,
  refsText,
} from '../../ports/index.js';
import { requireObjects, writeBundle } from './bundle-file.js';
import { type Chain, type Head, sha256 } from './chain.js';
import type { Deliver } from './command-delivery.js';
import { diskError } from './durable.js';
import type { Git } from './git.js';

/** What a mirror of bundles works with. */
export interface BundleMirrorOptions {
  readonly chain: Chain;
  readonly git: Git;
  /** The Stargate's repository. */
  readonly directory: string;
  readonly label: string;
  /** Takes each link; null: it is where it belongs when it is in the folder. */
  readonly deliver: Deliver | null;
}

/**
 * A mirror that nobody can ask: each push is the next link of a chain, a bundle and a signed manifest, which is carried to the other side
 * by whatever means. What the mirror shows is what was handed over.
 */
export function openBundleMirror({ chain, git, directory, label, deliver }: BundleMirrorOptions): MirrorTarget {
  const hand =
    (signal?: AbortSignal) =>
    async (link: MirrorManifest): Promise<void> =>
      deliver?.(chain.outbox, link, signal);

  /** All that was written, handed over. */
  const headNow = async (signal?: AbortSignal): Promise<Head> => {
    const before = deliver === null ? [] : await chain.numbers();
    const head = await chain.head(hand(signal));
    for (const seq of before) if (seq <= head.seq) await chain.drop(await linkIn(chain.outbox, seq));
    return head;
  };
  const shown = (): Promise<Head> => (deliver === null ? chain.head() : chain.delivered());

  const push = async (updates: readonly MirrorUpdate[], signal: AbortSignal | undefined): Promise<void> => {
    for (;;) {
      const head = await headNow(signal);
      const moves = await movesOf(git, label, updates, head);
      if (moves.length === 0) return;
      await requireObjects(
        git,
        moves.flatMap(({ next }) => next ?? []),
      );
      const refs = new Map(head.refs);
      for (const { ref, next } of moves) next === null ? refs.delete(ref) : refs.set(ref, next);
      const seq = head.seq + 1;
      const request = { git, directory, format: chain.format, moves, had: [...head.refs.values()], signal };
      const bundle = await writeBundle(chain.outbox, seq, request).catch((error: unknown) => {
        throw diskError(chain.outbox, error);
      });
      if (signal?.aborted === true) throw interrupted(label);
      const manifest: MirrorManifest = {
        repository: await repositoryId(directory),
        ...{ format: chain.format, chain: head.chain, seq, prev: head.digest, time: new Date().toISOString(), bundle, moves },
        state: sha256(refsText(refs)),
      };
      if (!(await chain.add(manifest))) continue; // another process was quicker: its link comes first
      await headNow(signal);
      return;
    }
  };

  return {
    capabilities: { atomic: true, anyRef: true },
    label,

    async push(updates, signal) {
      for (const update of updates) check(update, chain);
      if (new Set(updates.map(({ ref }) => ref)).size < updates.length) {
        throw new KvError('GIT_ERROR', `${label}: one push moves a ref twice`, { hint: 'give each ref one update' });
      }
      if (updates.length === 0) return;
      if (signal?.aborted === true) throw interrupted(label);
      await chain.exclusively(() => push(updates, signal));
    },

    async refs(patterns, signal) {
      if (signal?.aborted === true) throw interrupted(label);
      if (patterns.length === 0) return new Map();
      const { refs } = await chain.exclusively(shown);
      return new Map([...refs].filter(([ref]) => patterns.some((pattern) => matches(pattern, ref))).sort());
    },

    async fetch(pairs) {
      const { refs } = await chain.exclusively(shown);
      const moves = pairs.map(({ remoteRef, localRef }) => {
        const oid = refs.get(remoteRef);
        if (oid === undefined) throw new KvError('NOT_FOUND', `${label}: there is no ${remoteRef}`);
        if (!isMirroredRef(localRef)) throw new KvError('GIT_ERROR', `'${localRef}' is no full ref name`);
        return { localRef, oid };
      });
      if (moves.length === 0) return;
      const wanted = moves.map(({ oid }) => oid);
      // What this repository has lost since, as one that was put back to an older state, is in the links.
      if (!(await has(git, wanted))) for (const seq of await chain.numbers()) await takeIn(git, chain.outbox, seq);
      await requireObjects(git, wanted);
      const lines = moves.map(({ localRef, oid }) => `update ${localRef} ${oid}\n`).join('');
      await git.run(['update-ref', '--stdin'], { input: `start\n${lines}commit\n` });
    },

    close: async () => undefined, // each call reads and writes files of its own
  };
}

/** The moves that updates stand for. Throws `SYNC_REFUSED` for a ref that is not where it should be. */
async function movesOf(git: Git, label: string, updates: readonly MirrorUpdate[], { refs }: Head): Promise<MirroredMove[]> {
  const moves: MirroredMove[] = [];
  const refused: RefName[] = [];
  for (const { ref, next, expected } of updates) {
    const old = refs.get(ref) ?? null;
    if (old === next) continue; // it is there: an earlier push whose answer was lost
    if (expected === undefined ? await follows(git, old, next) : expected === old) moves.push({ ref, old, next });
    else refused.push(ref);
  }
  if (refused.length === 0) return moves;
  throw new KvError('SYNC_REFUSED', `${label}: not where it should be: ${refused.join(', ')}`, {
    details: { refs: refused },
    hint: 'somebody else wrote to this chain: compare the refs of both sides',
  });
}

/** Without a lease: creations, deletions and fast-forwards. */
async function follows(git: Git, old: Oid | null, next: Oid | null): Promise<boolean> {
  if (old === null || next === null) return true;
  return (await git.ask(['merge-base', '--is-ancestor', old, next])).status === 0;
}

async function has(git: Git, oids: readonly Oid[]): Promise<boolean> {
  return requireObjects(git, oids).then(
    () => true,
    (error: unknown) => {
      if (KvError.is(error) && error.code === 'GIT_ERROR') return false;
      throw error;
    },
  );
}

/** Brings the objects of a link into the repository. */
async function takeIn(git: Git, folder: string, seq: number): Promise<void> {
  const { bundle } = await linkIn(folder, seq);
  if (bundle === null) return;
  const path = join(folder, bundleFile(seq, bundle.sha256));
  await git.run(['bundle', 'unbundle', path], {});
}

async function linkIn(folder: string, seq: number): Promise<MirrorManifest> {
  const path = join(folder, manifestFile(seq));
  try {
    return parseManifestFile(await readFile(path), path).manifest;
  } catch (error) {
    throw diskError(path, error);
  }
}

/** The repository's id, as the Stargate keeps it; null where it has none yet. */
async function repositoryId(directory: string): Promise<string | null> {
  const text = await readFile(join(directory, '.stargate', 'repository-id'), 'utf8').catch(() => ''); // an older Stargate has none
  return /^[0-9a-f]{32}$/.test(text.trim()) ? text.trim() : null;
}

function check({ ref, next, expected }: MirrorUpdate, { format }: Chain): void {
  if (!isMirroredRef(ref)) throw new KvError('GIT_ERROR', `'${ref}' is no full ref name`);
  for (const oid of [next, expected ?? null]) {
    if (oid !== null && !isOid(oid, format)) throw new KvError('GIT_ERROR', `'${oid}' for ${ref} is no object id`);
  }
}

/** A glob as in a refspec: one `*` stands for anything, slashes too. */
function matches(pattern: string, ref: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return ref === pattern;
  const tail = rest.join('*');
  return ref.length >= head.length + tail.length && ref.startsWith(head) && ref.endsWith(tail);
}

const interrupted = (label: string): KvError => new KvError('INTERRUPTED', `${label}: interrupted`);
