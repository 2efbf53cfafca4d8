import { concat, utf8 } from '../../domain/git/bytes.js';
import { decodeCommit } from '../../domain/git/commit.js';
import { toUrlsafe } from '../../domain/ledger/value/key.js';
import { MANIFEST_SUFFIX, placeOf } from '../../domain/ledger/paths.js';
import { encodeManifest, type Manifest } from '../../domain/ledger/value/manifest.js';
import type { PointerFile } from '../../domain/index/update.js';
import { updateIndex } from '../../domain/index/update.js';
import { addPointer, type Base, type Draft, type Operation } from '../../domain/ledger/transaction/transaction.js';
import { valuePointer } from '../../domain/ledger/transaction/transaction-plan.js';
import { MODE_DIR, MODE_FILE } from '../../domain/git/tree/tree.js';
import { PathEdits, seal } from '../../domain/git/tree/tree-draft.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import type { Forger } from './forger.js';

type ChunkedSet = Extract<Operation, { manifest: Manifest }>;

/** The state to build on, its chunks too. */
export async function chunkedBase(forge: Forger): Promise<Base> {
  const base = await forge.base();
  const ref = `refs/kv-chunks/main@${base.epoch}`;
  const [commit] = await forge.tips([ref]);
  if (commit === undefined) return base;
  return { ...base, chunks: { commit, tree: (await forge.opened(commit)).tree } };
}

/** Sets a key to a value in these chunks, whose blobs are stored. `blobs` stores other bytes under the chunks' names. */
export async function chunkedSet(forge: Forger, key: string, chunks: readonly Uint8Array[], blobs = chunks): Promise<ChunkedSet> {
  const { namer } = forge;
  const whole = forge.set(key, concat(chunks)) as Extract<Operation, { value: Uint8Array }>;
  const objects = blobs.map((body) => namer.object('blob', body));
  await forge.store.write(objects);
  const list = chunks.map((body, i) => ({
    size: blobs[i]?.length ?? 0,
    digest: namer.hasher.hex('sha256', body),
    blob: objects[i]?.oid as Oid,
  }));
  const totalSize = list.reduce((sum, { size }) => sum + size, 0);
  const chunking = { mode: 'fixed', size: 1024 } as const;
  return {
    op: 'set',
    key,
    meta: whole.meta,
    manifest: { key, totalSize, chunking, gitHash: forge.store.objectFormat, etag: whole.meta.etag, chunks: list },
  };
}

/** Writes another text in place of a key's manifest, with everything else as it must be for that text. */
export function manifestText(forge: Forger, { key, manifest, meta }: ChunkedSet, change: (text: string) => string) {
  return async (draft: Draft): Promise<Draft> => {
    const text = change(new TextDecoder().decode(encodeManifest(manifest)));
    const objects: NewObject[] = [];
    const blob = forge.namer.object('blob', utf8(text));
    const size = Number(/"total_size":(\d+)/.exec(text)?.[1] ?? manifest.totalSize);
    const pointers = new Map<string, PointerFile>();
    addPointer(valuePointer(key, null, blob.oid, size, meta), forge.namer, pointers, objects);
    await forge.store.write([...draft.objects, blob, ...objects]);
    const place = placeOf(key, forge.namer.hasher);
    const path = ['kv', 'main', 'data', ...place.shards, place.urlsafe + MANIFEST_SUFFIX].join('/');
    const built: NewObject[] = [];
    const ledger = await edited(forge, draft.ledgerCommit.tree, [{ path, mode: MODE_FILE, oid: blob.oid }], built);
    const before = decodeCommit(draft.indexCommit.body, '', forge.store.objectFormat).tree;
    const index = await updateIndex(
      forge.store,
      forge.namer,
      'main',
      before,
      new Map([[toUrlsafe(key), pointers.get(toUrlsafe(key)) as PointerFile]]),
      built,
    );
    await forge.store.write(built);
    return rebound(forge, draft, { ledger, index });
  };
}

/** Changes files of the chunks tree; null removes one. */
export function chunksTreeWith(
  forge: Forger,
  files: readonly { path: string; content: string | null; mode?: string; tree?: Oid }[],
) {
  return async (draft: Draft): Promise<Draft> => {
    const built: NewObject[] = [];
    const edits = files.map(({ path, content, mode = MODE_FILE, tree }) => {
      if (tree !== undefined) return { path, mode: MODE_DIR, oid: tree };
      const blob = content === null ? null : forge.namer.object('blob', utf8(content));
      if (blob !== null) built.push(blob);
      return { path, mode, oid: blob?.oid ?? null };
    });
    await forge.store.write(draft.objects);
    const commit = decodeCommit((draft.chunksCommit as NewObject).body, '', forge.store.objectFormat);
    const chunks = await edited(forge, commit.tree, edits, built);
    await forge.store.write(built);
    return rebound(forge, draft, { chunks });
  };
}

async function edited(
  forge: Forger,
  tree: Oid,
  files: readonly { path: string; mode: string; oid: Oid | null }[],
  built: NewObject[],
): Promise<Oid> {
  const edits = new PathEdits();
  for (const { path, mode, oid } of files) {
    const dirs = path.split('/');
    edits.put(dirs, dirs.pop() as string, { mode, oid, previous: null });
  }
  return seal(await edits.load(forge.store, tree, forge.store.objectFormat === 'sha1' ? 20 : 32), forge.namer, built) as Oid;
}

/** The draft's commits with other trees, and bound to these. */
function rebound(forge: Forger, draft: Draft, trees: { ledger?: Oid; index?: Oid; chunks?: Oid }): Draft {
  const format = forge.store.objectFormat;
  const index = decodeCommit(draft.indexCommit.body, '', format);
  const ledgerTree = trees.ledger ?? draft.ledgerCommit.tree;
  const indexCommit = forge.commit({
    ...index,
    tree: trees.index ?? index.tree,
    message: index.message.replace(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${ledgerTree}`),
  });
  const chunks = draft.chunksCommit === null ? null : decodeCommit(draft.chunksCommit.body, '', format);
  const chunksCommit = chunks === null ? null : forge.commit({ ...chunks, tree: trees.chunks ?? chunks.tree });
  const message = draft.ledgerCommit.message
    .replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${trees.index ?? index.tree}`)
    .replace(/^KV-Chunks-Tree: .*$/m, `KV-Chunks-Tree: ${chunks === null ? '-' : (trees.chunks ?? chunks.tree)}`);
  return {
    ...draft,
    ledgerCommit: { ...draft.ledgerCommit, tree: ledgerTree, message },
    indexCommit,
    chunksCommit,
    objects: [...draft.objects, indexCommit, ...(chunksCommit === null ? [] : [chunksCommit])],
  };
}
