import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file whole, synced with its folder: a crash leaves the old or the new one. Only its owner may read it. Throws Node's error. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
