import type { FetchRequest } from '../../../ports/git/git-remote.js';

/** The refspec that fetches a ref exactly, and fails when it is not there. */
export function exactRefspec({ remoteRef, localRef }: FetchRequest): string {
  return `+${remoteRef}:${localRef}`;
}

/**
 * A pattern that means the same ref but may match nothing: with `--prune`, git then deletes the local ref.
 * `*` stands for the empty string inside the last folder's name (`refs/k*v/main`), where no other ref of git-kv's fits.
 */
export function optionalRefspec({ remoteRef, localRef }: FetchRequest): string {
  return `+${withStar(remoteRef)}:${withStar(localRef)}`;
}

function withStar(ref: string): string {
  const at = ref.lastIndexOf('/') - 1;
  return `${ref.slice(0, at)}*${ref.slice(at)}`;
}
