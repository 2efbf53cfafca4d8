import { KvError } from '../../../ports/error.js';
import type { RefName, RefUpdate } from '../../../ports/vocabulary.js';
import type { Refs } from './refs.js';

/**
 * Git keeps no ref below another: refs/kv and refs/kv/main can't both be. libgit2's transaction looks for that among refs with files
 * only, and when it is too late, so it is looked for before. Throws `GIT_ERROR`.
 */
export async function checkRoom(updates: readonly RefUpdate[], refs: Refs): Promise<void> {
  const created = updates.filter(({ old, next }) => old === null && next !== null).map(({ ref }) => ref);
  if (created.length === 0) return;
  const gone = new Set(updates.filter(({ next }) => next === null).map(({ ref }) => ref));
  const names = [...new Set([...(await refs.names()), ...created])].filter((name) => !gone.has(name));
  const taken = new Set(names);
  for (const ref of created) {
    const above = foldersOf(ref).find((folder) => taken.has(folder));
    const other = above ?? names.find((name) => name.startsWith(`${ref}/`));
    if (other === undefined) continue;
    throw new KvError('GIT_ERROR', `cannot create '${ref}': there is '${other}'`, {
      hint: 'no ref lies below another: use another name',
      details: { ref },
    });
  }
}

function foldersOf(ref: RefName): string[] {
  const parts = ref.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}
