import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bundleFile,
  KvError,
  listedPath,
  type MirroredMove,
  type MirrorManifest,
  type ObjectFormat,
  type Oid,
} from '../../ports/index.js';
import { QUARANTINE_PREFIX } from '../../ports/git/quarantine-folder.js';
import { draftOf, sync } from './durable.js';
import type { Git } from './git.js';

/** What a bundle is to bring, to whom. */
export interface BundleRequest {
  readonly git: Git;
  /** The repository's own folder. */
  readonly directory: string;
  readonly format: ObjectFormat;
  readonly moves: readonly MirroredMove[];
  /** What the other side has, with all below. */
  readonly had: readonly Oid[];
  readonly signal?: AbortSignal | undefined;
}

/** How many objects a pack says that it has: bytes 8 to 11. */
const PACK_HEADER = 12;

/**
 * Writes a bundle (gitformat-bundle) of what the moves bring and the other side lacks, verified, durable and whole, into a folder; null
 * where they bring no object. It is written by hand, since git makes bundles of its own refs alone, and these may have gone on.
 */
export async function writeBundle(folder: string, seq: number, request: BundleRequest): Promise<MirrorManifest['bundle']> {
  const { git, format, moves, signal } = request;
  const wanted = moves.flatMap(({ next }) => next ?? []);
  if (wanted.length === 0) return null;
  const had = await present(git, request.had);
  const revisions = [...wanted, ...had.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join('');
  const listed = await git.run(['rev-list', '--boundary', '--stdin'], { input: revisions, ...abort(signal) });
  const boundary = listed.split('\n').filter((line) => line.startsWith('-'));
  const heads = moves.flatMap(({ ref, next }) => (next === null ? [] : [`${next} ${ref}`]));
  const signature = format === 'sha256' ? ['# v3 git bundle', '@object-format=sha256'] : ['# v2 git bundle'];
  const header = Buffer.from(`${[...signature, ...boundary, ...heads, '', ''].join('\n')}`);
  const draft = draftOf(join(folder, 'bundle'));
  const file = await open(draft, 'wx+', 0o644);
  try {
    await file.write(header);
    const pack = ['pack-objects', '--revs', '--stdout', '--thin', '--delta-base-offset', '--quiet'];
    await git.run(pack, { input: revisions, output: file.fd, ...abort(signal) });
    const head = Buffer.alloc(PACK_HEADER);
    await file.read(head, 0, PACK_HEADER, header.length);
    if (head.readUInt32BE(8) === 0) return null;
    await file.sync();
    await prove(request, draft, header.length);
    const bundle = { sha256: await digestOf(draft), size: (await stat(draft)).size };
    await rename(draft, join(folder, bundleFile(seq, bundle.sha256)));
    await sync(folder);
    return bundle;
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}

/** Reads the pack again, as the other side will: every object, and that all that they name is in it or in the repository. */
async function prove({ git, directory, signal }: BundleRequest, file: string, from: number): Promise<void> {
  const folder = await mkdtemp(join(directory, 'objects', QUARANTINE_PREFIX));
  try {
    const env = { GIT_OBJECT_DIRECTORY: folder, GIT_ALTERNATE_OBJECT_DIRECTORIES: listedPath(join(directory, 'objects')) };
    const input = createReadStream(file, { start: from });
    await git.run(['index-pack', '--stdin', '--fix-thin', '--strict'], { input, env, ...abort(signal) });
    await git.run(['bundle', 'verify', '--quiet', file], abort(signal));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Those objects that the repository has: a restored one may lack what was mirrored since. */
async function present(git: Git, oids: readonly Oid[]): Promise<Oid[]> {
  const unique = [...new Set(oids)];
  if (unique.length === 0) return [];
  const said = await git.run(['cat-file', '--batch-check=%(objectname) %(objecttype)'], { input: `${unique.join('\n')}\n` });
  return said.split('\n').flatMap((line) => (line.endsWith(' missing') ? [] : [line.split(' ')[0] as Oid]));
}

/** Throws `GIT_ERROR` for an object that the repository has not got. */
export async function requireObjects(git: Git, oids: readonly Oid[]): Promise<void> {
  const there = new Set(await present(git, oids));
  const missing = oids.find((oid) => !there.has(oid));
  if (missing !== undefined)
    throw new KvError('GIT_ERROR', `there is no object ${missing}`, { hint: "run 'git fsck' in the Stargate's repository" });
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

const abort = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });
