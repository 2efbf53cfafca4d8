import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ImportSource } from '../../../domain/client/transfer/import/source.js';
import { fileSize, fileStream, standardInput, writeFailed } from './files.js';
import { NamedFiles } from './named-files.js';

interface OpenedImport {
  readonly source: ImportSource;
  /** Removes what standard input was kept in. */
  close(): Promise<void>;
}

/** Where the files may lie that an import names. */
interface ImportFolders {
  /** Overrides where a snapshot's large values lie. */
  readonly files: string | undefined;
  readonly allowed: readonly string[];
}

/** A file to import, or standard input (`-`), which is kept in a temporary file, since it is read twice. Throws `IO_ERROR`, `USAGE`. */
export async function openImport(file: string, folders: ImportFolders): Promise<OpenedImport> {
  if (file !== '-') {
    await fileSize(file);
    const located = await locate(dirname(resolve(file)), folders);
    return { source: { name: file, open: () => fileStream(file), file: located }, close: async () => undefined };
  }
  const located = await locate(process.cwd(), folders);
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-import-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'input');
  try {
    await writeFile(path, standardInput(), { mode: 0o600 });
  } catch (cause) {
    await close();
    throw writeFailed(path, cause);
  }
  return { source: { name: 'standard input', open: () => fileStream(path), file: located }, close };
}

async function locate(base: string, { files, allowed }: ImportFolders): Promise<ImportSource['file']> {
  const named = await NamedFiles.open(base, allowed);
  // What --files names, the importer has chosen: it may lie anywhere. What a file there is called, the snapshot says.
  const chosen = files === undefined ? undefined : await NamedFiles.open(resolve(files), allowed);
  return async (path, folder) => {
    const found =
      folder === null
        ? await named.find(path)
        : chosen === undefined
          ? await named.find(path, resolve(base, folder))
          : await chosen.find(path);
    return 'fault' in found ? found : { open: () => fileStream(found.path) };
  };
}
