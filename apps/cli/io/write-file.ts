import { randomBytes } from 'node:crypto';
import { createWriteStream, constants, type Stats } from 'node:fs';
import { chmod, chown, lstat, open, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { KvError } from '../../../ports/error.js';
import { writeFailed } from './files.js';
import { print, ReaderGone } from './terminal.js';

type Content = Uint8Array | AsyncIterable<Uint8Array>;

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A draft's name has the file's beginning in it; with all of a long one, it would be too long for a name. */
const NAME_SHOWN = 60;
const MAX_LINKS = 40;
const PERMISSIONS = 0o777;

/**
 * Writes what a command gives to where its flag says. A regular file, also behind a symbolic link, is replaced all at once and keeps its
 * permissions; a signal that ends it leaves nothing behind. What is no file is written to as it is: a device, a FIFO, `/dev/stdout`.
 * Throws `IO_ERROR`, `INTERRUPTED`, `ReaderGone`.
 */
export async function writeOutput(path: string, content: Content): Promise<void> {
  const fd = namedDescriptor(path);
  const there = await found(path);
  if (fd !== undefined || (there !== null && !there.isFile())) {
    if (there?.isDirectory()) throw writeFailed(path, Object.assign(new Error('it is a folder'), { code: 'EISDIR' }));
    await writeThrough(path, fd, content);
  } else if (path.endsWith('/')) throw writeFailed(path, Object.assign(new Error('no such folder'), { code: 'ENOTDIR' }));
  else await replaceFile(path, there, content);
}

/** What is there, links followed; null when nothing is. Throws `IO_ERROR`. */
async function found(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw writeFailed(path, cause);
  }
}

const STREAMS = ['/dev/stdin', '/dev/stdout', '/dev/stderr'];

/** Which of this process' descriptors a path names. What leads there is the shell's: it is written to, and never replaced. */
function namedDescriptor(path: string): number | undefined {
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  const stream = STREAMS.indexOf(path);
  return number !== undefined ? Number(number) : stream < 0 ? undefined : stream;
}

/** Signals end the process as they end any other: nothing of what is written here could be taken back. */
async function writeThrough(path: string, fd: number | undefined, content: Content): Promise<void> {
  const pieces = content instanceof Uint8Array ? [content] : content;
  try {
    if (fd === process.stdout.fd) for await (const piece of pieces) await print(piece);
    else await pipeline(Readable.from(pieces), await sinkAt(path, fd));
  } catch (cause) {
    if (cause instanceof ReaderGone) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'EPIPE') throw new ReaderGone();
    throw writeFailed(path, cause);
  }
}

async function sinkAt(path: string, fd: number | undefined): Promise<NodeJS.WritableStream> {
  try {
    const append = fd === undefined ? 0 : constants.O_APPEND; // a shell's file goes on where others left it
    return (await open(path, constants.O_WRONLY | constants.O_NOCTTY | append)).createWriteStream();
  } catch (cause) {
    // A socket can't be opened by its name.
    if (fd === undefined || (cause as NodeJS.ErrnoException).code !== 'ENXIO') throw cause;
    return createWriteStream('', { fd, autoClose: false });
  }
}

async function replaceFile(path: string, there: Stats | null, content: Content): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  for (const name of ENDING) process.on(name, stop);
  let draft: string | undefined;
  try {
    const target = await behindLinks(path);
    draft = join(dirname(target), `.${basename(target).slice(0, NAME_SHOWN)}.${randomBytes(6).toString('hex')}`);
    // Never readable to more people than the file is, not even while it is written.
    const mode = there === null ? {} : { mode: there.mode & PERMISSIONS };
    await writeFile(draft, content, { flag: 'wx', signal: stopping.signal, ...mode });
    if (there !== null) await takeAfter(draft, there);
    await rename(draft, target);
  } catch (cause) {
    if (draft !== undefined) await rm(draft, { force: true });
    if (stopping.signal.aborted) throw new KvError('INTERRUPTED', 'interrupted', { hint: `${path} is as it was` });
    throw writeFailed(path, cause);
  } finally {
    for (const name of ENDING) process.off(name, stop);
  }
}

/** Where a path leads in the end, whether or not something is there: the link stays, and what it names is written. */
async function behindLinks(path: string): Promise<string> {
  let at = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    at = join(await realpath(dirname(at)), basename(at));
    const link = await lstat(at).then(
      (one) => one.isSymbolicLink(),
      () => false, // nothing is there yet
    );
    if (!link) return at;
    at = resolve(dirname(at), await readlink(at));
  }
  throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP' });
}

/** Gives a draft the permissions of the file that it is to replace, and, as root, its owner. */
async function takeAfter(draft: string, { mode, uid, gid }: Stats): Promise<void> {
  if (process.getuid?.() === 0) await chown(draft, uid, gid).catch(() => undefined); // not every file system lets root do so
  await chmod(draft, mode & PERMISSIONS); // the umask has had its say in the draft's
}
