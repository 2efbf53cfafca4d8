import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode } from '../../../ports/grammar/git-words/out-of-space.js';
import { isOid } from '../../../ports/vocabulary.js';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { syncDirectory } from '../process/durable-file.js';
import { checkOid, checkRef } from '../process/guard.js';

/** What HEAD names, read from its file: a process would cost a hundred times as much. */
export async function readHead(gitDir: string, format: ObjectFormat): Promise<RefName | Oid> {
  const text = await readFile(join(gitDir, 'HEAD'), 'utf8').catch((cause: unknown) => {
    throw new KvError('IO_ERROR', `cannot read HEAD of '${gitDir}'`, { cause });
  });
  const target = text.replace(/^ref:\s*/, '').trim();
  if (target.startsWith('refs/') || isOid(target, format)) return target;
  throw new KvError('GIT_ERROR', `HEAD of '${gitDir}' names neither a ref nor an object`, {
    hint: 'run git fsck in this repository',
  });
}

/** Points HEAD elsewhere as git does it: a lock file that becomes HEAD, durable. Throws `CAS_CONFLICT` while another holds the lock. */
export async function writeHead(gitDir: string, format: ObjectFormat, target: RefName | Oid): Promise<void> {
  const isBranch = target.startsWith('refs/heads/');
  if (isBranch) checkRef(target);
  else checkOid(target, format);
  const path = join(gitDir, 'HEAD');
  const lock = `${path}.lock`;
  try {
    const file = await open(lock, 'wx', 0o644);
    try {
      await file.writeFile(isBranch ? `ref: ${target}\n` : `${target}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(lock, path);
    await syncDirectory(gitDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new KvError('CAS_CONFLICT', `HEAD of '${gitDir}' is locked by another process`, {
        details: { ref: 'HEAD', lock },
        cause: error,
      });
    await rm(lock, { force: true });
    throw new KvError(diskErrorCode(error), `cannot write HEAD of '${gitDir}': ${(error as Error).message}`, { cause: error });
  }
}
