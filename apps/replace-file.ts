import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncPath } from './sync-path.js';

/** What is under way, by the file: two drafts of one file would be one file. */
const underWay = new Map<string, Promise<void>>();

/**
 * Replaces a small file whole, or makes it, synced with its folder: a crash leaves the old or the new one. Only its owner may read it, and
 * what somebody has put in the draft's place is not followed. Calls for one file go one after another, so that the last one's text is
 * left. Throws Node's error, and leaves the old file then.
 */
export function replaceFile(path: string, text: string): Promise<void> {
  const before = underWay.get(path) ?? Promise.resolve();
  const mine = before.then(
    () => replaceNow(path, text),
    () => replaceNow(path, text), // its caller was told
  );
  const ended = (): void => {
    if (underWay.get(path) === mine) underWay.delete(path);
  };
  underWay.set(path, mine);
  mine.then(ended, ended);
  return mine;
}

async function replaceNow(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
