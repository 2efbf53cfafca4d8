import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file below a folder, sorted. */
export async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort();
}
