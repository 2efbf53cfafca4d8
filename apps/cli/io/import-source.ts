import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ImportSource } from '../../../domain/client/transfer/import/source.js';
import { fileSize, fileStream, reasonOf, standardInput, writeFailed } from './files.js';

interface OpenedImport {
  readonly source: ImportSource;
  /** Removes what standard input was kept in. */
  close(): Promise<void>;
}

/** A file to import, or standard input (`-`), which is kept in a temporary file, since it is read twice. `files` overrides where large values lie. */
export async function openImport(file: string, files: string | undefined): Promise<OpenedImport> {
  if (file !== '-') {
    await fileSize(file);
    const source = { name: file, open: () => fileStream(file), file: locate(dirname(resolve(file)), files) };
    return { source, close: async () => undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-import-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'input');
  try {
    await writeFile(path, standardInput(), { mode: 0o600 });
  } catch (cause) {
    await close();
    throw writeFailed(path, cause);
  }
  return { source: { name: 'standard input', open: () => fileStream(path), file: locate(process.cwd(), files) }, close };
}

function locate(base: string, files: string | undefined): ImportSource['file'] {
  return async (path, folder) => {
    const from = folder === null ? base : files === undefined ? resolve(base, folder) : resolve(files);
    const full = resolve(from, path);
    try {
      if (!(await stat(full)).isFile()) return { fault: 'it is not a regular file' };
    } catch (cause) {
      return { fault: reasonOf(cause) };
    }
    return { open: () => fileStream(full) };
  };
}
