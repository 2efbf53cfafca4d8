import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { BundleReader, ExpectedBundle } from '../../../ports/git/bundle-reader.js';
import { QUARANTINE_PREFIX } from '../../../ports/git/quarantine-folder.js';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode, isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';
import { listedPath } from '../../../ports/grammar/path-list.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { findRepository, type Repository } from '../config/repository.js';
import { type Environment, runGit, spawnGit } from '../process/run-git.js';
import { migrate } from './migrate.js';

/** More than any header that we write: a line a ref and a line a prerequisite. Bytes. */
const MAX_HEADER = 64 * 1024 * 1024;
const PIECE = 1024 * 1024;

/** Reads bundles with git, each through a quarantine. */
export async function openBundleReader(place: { readonly directory: string; readonly env: Environment }): Promise<BundleReader> {
  const repository = await findRepository(place.directory, place.env);
  return { take: (file, expected, signal) => take(repository, file, expected, signal) };
}

async function take(
  repository: Repository,
  file: string,
  expected: ExpectedBundle,
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await opened(file);
  const { objectsFolder } = repository;
  let quarantine: string | undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size !== expected.size)
      throw notAsExpected(file, `${found.size} bytes instead of ${expected.size}`);
    const { header, length } = await readHeader(handle, file, repository.objectFormat);
    await requireObjects(repository, header, file);
    quarantine = await mkdtemp(join(objectsFolder, QUARANTINE_PREFIX)); // git clears up what a crash leaves under such a name
    await index({ repository, quarantine, file, handle, expected, from: length, signal });
    await migrate(quarantine, objectsFolder);
  } catch (error) {
    if (KvError.is(error)) throw error;
    throw new KvError(diskErrorCode(error), `cannot take the bundle ${file} in: ${(error as Error).message}`, { cause: error });
  } finally {
    await handle.close();
    if (quarantine !== undefined) await rm(quarantine, { recursive: true, force: true });
  }
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new KvError('NOT_FOUND', `there is no bundle ${file}`, { cause, hint: 'bring that file too' });
    if (code === 'ELOOP') throw notAsExpected(file, 'it is a link to elsewhere');
    throw new KvError('IO_ERROR', `cannot read the bundle ${file}: ${code}`, { cause });
  }
}

/** What a bundle builds on, and where its pack begins. */
async function readHeader(handle: FileHandle, file: string, format: ObjectFormat): Promise<{ header: Oid[]; length: number }> {
  let bytes = Buffer.alloc(0);
  for (let end = -1; end < 0; end = bytes.indexOf('\n\n')) {
    if (bytes.length > MAX_HEADER) throw notAsExpected(file, 'its header has no end');
    const piece = Buffer.alloc(PIECE);
    const { bytesRead } = await handle.read(piece, 0, PIECE, bytes.length);
    if (bytesRead === 0) throw notAsExpected(file, 'its header has no end');
    bytes = Buffer.concat([bytes, piece.subarray(0, bytesRead)]);
  }
  const length = bytes.indexOf('\n\n') + 2;
  const [signature = '', ...lines] = bytes.toString('utf8', 0, length - 2).split('\n');
  const named = lines.find((line) => line.startsWith('@object-format='))?.slice('@object-format='.length) ?? 'sha1';
  if (!/^# v[23] git bundle$/.test(signature) || named !== format) throw notAsExpected(file, `no bundle of ${format} objects`);
  const prerequisites = lines.flatMap((line) => /^-([0-9a-f]{40,64})(?: |$)/.exec(line)?.[1] ?? []);
  return { header: prerequisites, length };
}

async function requireObjects({ place }: Repository, oids: readonly Oid[], file: string): Promise<void> {
  if (oids.length === 0) return;
  const { stdout } = await runGit(place, ['cat-file', '--batch-check=%(objecttype)'], { input: `${oids.join('\n')}\n` });
  const missing = stdout
    .toString('utf8')
    .split('\n')
    .find((line) => line.endsWith(' missing'));
  if (missing === undefined) return;
  throw new KvError('NOT_FOUND', `the bundle ${file} builds on ${missing.split(' ')[0]}, which is not in this clone`, {
    hint: 'bring what comes before it first',
  });
}

interface Indexing {
  readonly repository: Repository;
  readonly quarantine: string;
  readonly file: string;
  readonly handle: FileHandle;
  readonly expected: ExpectedBundle;
  /** Where the pack begins. */
  readonly from: number;
  readonly signal: AbortSignal | undefined;
}

/** Hands the pack to git while the whole file is hashed; what is wrong with the file is told before what git says of it. */
async function index({ repository, quarantine, file, handle, expected, from, signal }: Indexing): Promise<void> {
  const { place, objectsFolder } = repository;
  const env = {
    ...place.env,
    GIT_OBJECT_DIRECTORY: quarantine,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: listedPath(objectsFolder),
    GIT_QUARANTINE_PATH: quarantine,
  };
  let failed: KvError | undefined;
  const child = spawnGit({ cwd: place.cwd, env }, ['index-pack', '--stdin', '--fix-thin', '--strict'], (error) => {
    failed = error;
  });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code) => resolve(code ?? 128));
    child.once('error', () => resolve(128));
  });
  let said = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-4000)));
  const stop = (): void => void child.kill();
  signal?.addEventListener('abort', stop, { once: true });
  const hash = createHash('sha256');
  try {
    let at = 0;
    for await (const piece of createReadStream(file, { fd: handle, start: 0, autoClose: false, highWaterMark: PIECE })) {
      const bytes = piece as Buffer; // no encoding was set
      hash.update(bytes);
      const pack = bytes.subarray(Math.max(0, from - at));
      at += bytes.length;
      const takes = pack.length === 0 || child.stdin.destroyed || child.stdin.write(pack);
      if (!takes) await drained(child.stdin);
      if (signal?.aborted === true) break;
    }
  } finally {
    child.stdin.end();
    signal?.removeEventListener('abort', stop);
  }
  const status = await ended;
  if (signal?.aborted === true) throw new KvError('INTERRUPTED', `taking the bundle ${file} in was interrupted`);
  if (failed !== undefined) throw failed;
  if (hash.digest('hex') !== expected.sha256) throw notAsExpected(file, 'its SHA-256 is another');
  if (status === 0) return;
  throw new KvError(
    isOutOfSpace(said) ? 'STORAGE_FULL' : 'GIT_ERROR',
    `git can't take the bundle ${file} in: ${said.trim().split('\n').pop()}`,
    {
      hint: 'run git fsck in this clone',
    },
  );
}

/** Waits until a stream takes more, or has gone. */
async function drained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close']) stream.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close']) stream.on(event, done);
  });
}

const notAsExpected = (file: string, why: string): KvError =>
  new KvError('INPUT_INVALID', `${file} is not the bundle that is expected: ${why}`, {
    hint: 'it was cut off or changed on its way: bring it anew',
  });
