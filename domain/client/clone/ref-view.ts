import type { GitRemote } from '../../../ports/git/git-remote.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { epochRef, indexRef, ledgerRef, POLICY_REF, strandedRef, trackedNames } from '../../ledger/refs.js';
import { replacing } from '../../git/store-view.js';
import type { Clone } from './clone.js';

/**
 * The same clone, whose refs are read in one call when the first of a namespace's is asked for, and again only after a fetch or a
 * movement of refs that failed: a write asks for them at every step. What another command moves meanwhile is met by the
 * compare-and-swap.
 */
export function withRefView(clone: Clone, ns: string): Clone {
  const tracked = [ledgerRef(ns), indexRef(ns), epochRef(ns), POLICY_REF].flatMap(trackedNames);
  const view = new RefView(clone.store, [...tracked, strandedRef(ns)]);
  return { ...clone, store: viewedStore(clone.store, view), remotes: viewedRemotes(clone.remotes, view) };
}

class RefView {
  private read: Promise<Map<RefName, Oid>> | null = null;
  private readonly covered: Set<string>;

  constructor(
    private readonly store: GitStore,
    names: readonly RefName[],
  ) {
    this.covered = new Set(names);
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    const unknown = patterns.filter((pattern) => !this.covered.has(pattern));
    if (unknown.some((pattern) => pattern.endsWith('/'))) return this.store.refs(patterns);
    if (unknown.length > 0) {
      for (const name of unknown) this.covered.add(name);
      this.forget();
    }
    this.read ??= this.store.refs([...this.covered]);
    const known = await this.read;
    return new Map(patterns.flatMap((name) => (known.has(name) ? [[name, known.get(name) as Oid] as const] : [])));
  }

  forget(): void {
    this.read = null;
  }

  async move(updates: readonly RefUpdate[], reason: string): Promise<void> {
    const read = this.read;
    this.forget();
    await this.store.updateRefs(updates, reason);
    const known = await read;
    for (const { ref, next } of updates) {
      if (next === null) known?.delete(ref);
      else if (this.covered.has(ref)) known?.set(ref, next);
    }
    this.read ??= read;
  }
}

function viewedStore(store: GitStore, view: RefView): GitStore {
  return replacing(store, {
    refs: (patterns) => view.refs(patterns),
    updateRefs: (updates, reason) => view.move(updates, reason),
  });
}

function viewedRemotes(remotes: GitRemote, view: RefView): GitRemote {
  return replacing(remotes, {
    fetch: (remote, direction, requests, options) =>
      remotes.fetch(remote, direction, requests, options).finally(() => view.forget()),
  });
}
