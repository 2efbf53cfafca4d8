import { publishedText } from '../../../domain/gateway/commit/policy-ref.js';
import { toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Log } from '../log/log.js';
import { readKept, writeKept } from '../repository/kept-file.js';

/**
 * Brings the policy's file to what the leader has published last: so that a server which takes over enforces what was in force. Never
 * throws; true when the file was changed.
 */
export async function followPolicy(path: string, store: GitStore, log: Log): Promise<boolean> {
  const before = writing.get(store);
  const mine = (before ?? Promise.resolve(false)).then(() => follow(path, store, log));
  writing.set(store, mine);
  return mine;
}

/** One at a time writes a repository's file. */
const writing = new WeakMap<GitStore, Promise<boolean>>();

async function follow(path: string, store: GitStore, log: Log): Promise<boolean> {
  try {
    const text = await publishedText(store);
    if (text === null || text === (await readKept(path))) return false;
    await writeKept(path, text);
    return true;
  } catch (error) {
    log.error('cluster.policy', { file: path, message: toKvError(error).message });
    return false;
  }
}
