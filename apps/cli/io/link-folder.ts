import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LinkFolder } from '../../../domain/client/transfer/mirror-import/mirror-import.js';
import { KvError } from '../../../ports/error.js';
import { bundleFile, linkNumber, manifestFile, MAX_MANIFEST } from '../../../ports/grammar/mirror-manifest.js';

/** A folder of links as a Stargate's mirror-bundle writes it. Other files in it are left alone, links of the file system are not followed. */
export function linkFolder(folder: string): LinkFolder {
  return {
    label: folder,
    async numbers() {
      const names = await readdir(folder).catch((cause: unknown) => {
        throw failed(folder, cause);
      });
      return names.flatMap((name) => linkNumber(name) ?? []).sort((a, b) => a - b);
    },
    manifest: (seq) => readManifest(join(folder, manifestFile(seq))),
    bundle: (seq, sha256) => join(folder, bundleFile(seq, sha256)),
  };
}

async function readManifest(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > MAX_MANIFEST) throw new Error('it is no manifest');
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw failed(path, cause);
  }
}

function failed(path: string, cause: unknown): KvError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'no such file or folder' : (code ?? message);
  return new KvError('IO_ERROR', `cannot read ${path}: ${why}`, { cause, hint: 'name the folder that was carried here' });
}
