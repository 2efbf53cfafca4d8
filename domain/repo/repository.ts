import { KvError } from '../../ports/error.js';
import type { Oid, RefUpdate } from '../../ports/vocabulary.js';
import { fileAt, overlayChanges, pathChange } from './commit/changes.js';
import { commitOverlay } from './commit/commit.js';
import { Core } from './core.js';
import { CommittedStates } from './states.js';
import { unifiedDiff, within } from './diff/diff.js';
import type { Repository } from './facade.js';
import { type CheckoutOptions, checkout } from './head/checkout.js';
import { reset } from './head/reset.js';
import { cherryPick, mergeRevision, revertCommit } from './merge/merge.js';
import { toBytePath } from './objects/paths.js';
import { Realities } from './realities/realities.js';
import { createBranch, deleteBranch, renameBranch } from './refs/branches.js';
import { HEADS, refNamed, shortName } from './refs/names.js';
import { createTag, deleteTag } from './refs/tags.js';
import { type IncomingPush, takePush } from './serve/push/take-push.js';
import { Overlay } from './staging/overlay.js';
import { Pending } from './staging/pending.js';
import { Staging } from './staging/staging.js';
import { Transactions } from './transactions/transactions.js';
import type { RefVerdict } from '../git/wire/push-report.js';
import type { Reality, RepositoryTransaction } from './isolated.js';
import type * as T from './types.js';

/** Opens an ordinary repository on a store, which stays the caller's. Nothing is read before the first call. */
export function openRepository(parts: T.RepositoryParts): Repository {
  return new OpenedRepository(new Core(parts));
}

/** Every use case of a repository: what is read, and what changes something, each with its turn. */
class OpenedRepository extends CommittedStates implements Repository {
  private readonly staging: Staging;
  private readonly opened: Transactions;
  private readonly isolated: Realities;

  constructor(core: Core) {
    super(core);
    this.staging = new Staging(core);
    this.opened = new Transactions(core);
    this.isolated = new Realities(core);
  }

  async status(): Promise<T.Status> {
    return this.core.change(async () => {
      const [head, tip] = [await this.core.head(), await this.core.headTip()];
      const staged = (await overlayChanges(await this.staging.on(tip))).map(pathChange);
      return { branch: head.startsWith('refs/') ? shortName(head) : null, head: tip, staged, clean: staged.length === 0 };
    });
  }

  add(...files: readonly T.FilePut[]): Promise<void> {
    return this.stage({ put: files });
  }

  remove(...paths: readonly string[]): Promise<void> {
    return this.stage({ remove: paths });
  }

  move(from: string, to: string): Promise<void> {
    return this.stage({ move: [{ from, to }] });
  }

  stage(changes: T.Changes): Promise<void> {
    return this.core.change(async () => this.staging.apply(await this.core.headTip(), changes));
  }

  unstage(...paths: readonly string[]): Promise<void> {
    return this.core.change(async () => {
      const tip = await this.core.headTip();
      if (paths.length === 0) return this.staging.clear(tip, await this.core.treeOf(tip));
      const { edits } = await this.staging.on(tip);
      for (const path of paths) for (const [each] of [...edits.within(toBytePath(path))]) edits.delete(each);
    });
  }

  async readStaged(path: string): Promise<T.FileContent> {
    return this.core.change(async () => {
      const overlay = await this.staging.on(await this.core.headTip());
      const at = toBytePath(path);
      return fileAt(overlay.source, at, await overlay.at(at));
    });
  }

  async diffStaged(options: T.DiffOptions = {}): Promise<T.Diff> {
    return this.core.change(async () => {
      const tip = await this.core.headTip();
      const overlay = await this.staging.on(tip);
      const changes = within(await overlayChanges(overlay), options.paths);
      const text = await unifiedDiff(overlay.source, changes, options, this.core.limits.diffText);
      return { from: tip, to: tip ?? '', changes: changes.map(pathChange), text };
    });
  }

  commit(request: T.CommitRequest): Promise<T.CommitInfo> {
    return this.core.change(async (land) => {
      const [head, tip] = [await this.core.head(), await this.core.headTip()];
      const overlay = await this.staging.mustBeOn(tip, 'cannot commit what is staged');
      const target = { ref: head.startsWith('refs/') ? head : null, tip, overlay, pending: this.staging.pending };
      const info = await commitOverlay(this.core, land, target, request);
      this.staging.clear(info.oid, info.tree);
      return info;
    });
  }

  commitChanges(branch: string, changes: T.Changes, request: T.CommitRequest): Promise<T.CommitInfo> {
    const { core } = this;
    return core.change(async (land) => {
      const ref = refNamed(HEADS, branch);
      const there = core.tip(ref);
      const tip = there instanceof Promise ? await there : there;
      if (tip === null && ref !== (await core.head()))
        throw new KvError('NOT_FOUND', `there is no branch '${branch}'`, { details: { ref } });
      const pending = new Pending(core.store);
      try {
        const tree = core.treeOf(tip);
        const overlay = new Overlay(
          { source: core.source, namer: core.namer, pending, limits: core.limits },
          tree instanceof Promise ? await tree : tree,
        );
        const applied = core.withRoom(() => overlay.apply(changes));
        if (applied instanceof Promise) await applied;
        return await commitOverlay(core, land, { ref, tip, overlay, pending }, request);
      } finally {
        pending.clear();
      }
    });
  }

  createBranch(name: string, from = 'HEAD'): Promise<T.Branch> {
    return this.core.change((land) => createBranch(this.core, land, name, from));
  }

  deleteBranch(name: string, { merged = false }: { readonly merged?: boolean } = {}): Promise<void> {
    return this.core.change((land) => deleteBranch(this.core, land, name, merged));
  }

  renameBranch(from: string, to: string): Promise<T.Branch> {
    return this.core.change((land) => renameBranch(this.core, land, from, to));
  }

  createTag(name: string, target = 'HEAD', annotation?: { readonly message: string; readonly tagger: T.Person }): Promise<T.Tag> {
    return this.core.change((land) => createTag(this.core, land, { name, target, annotation }));
  }

  deleteTag(name: string): Promise<void> {
    return this.core.change((land) => deleteTag(this.core, land, name));
  }

  async checkout(rev: string, options: CheckoutOptions = {}): Promise<T.RepositoryFacts> {
    await this.core.change((land) => checkout(this.core, land, this.staging, rev, options));
    return this.facts();
  }

  reset(rev: string, mode: 'soft' | 'mixed' | 'hard' = 'mixed', expect?: Oid): Promise<Oid> {
    return this.core.change((land) => reset(this.core, land, this.staging, { rev, mode, expect }));
  }

  merge(request: T.MergeRequest): Promise<T.MergeResult> {
    return this.core.change((land) => mergeRevision(this.core, land, request));
  }

  revert(request: T.PickRequest): Promise<T.MergeResult> {
    return this.core.change((land) => revertCommit(this.core, land, request));
  }

  cherryPick(request: T.PickRequest): Promise<T.MergeResult> {
    return this.core.change((land) => cherryPick(this.core, land, request));
  }

  begin(options: { readonly branch?: string; readonly idle?: number } = {}): Promise<RepositoryTransaction> {
    return this.opened.begin(options);
  }

  transaction(id: string): RepositoryTransaction {
    return this.opened.get(id);
  }

  transactions(): readonly RepositoryTransaction[] {
    return this.opened.all();
  }

  createRealities(names: readonly string[], from?: string): Promise<readonly Reality[]> {
    return this.isolated.create(names, from);
  }

  reality(name: string): Reality {
    return this.isolated.get(name);
  }

  realities(): readonly Reality[] {
    return this.isolated.all();
  }

  promote(name: string, request: Omit<T.MergeRequest, 'from'>): Promise<T.MergeResult> {
    return this.isolated.promote(name, request);
  }

  dropReality(name: string): void {
    this.isolated.drop(name);
  }

  take(push: IncomingPush): Promise<readonly RefVerdict[]> {
    return this.core.change(async (land) => {
      this.core.left(); // a ref that is forced elsewhere leaves objects behind
      return takePush(this.core, land, push);
    });
  }

  exclusive<V>(change: () => Promise<V>): Promise<V> {
    return this.core.change(async () => {
      try {
        return await change();
      } finally {
        this.core.left();
      }
    });
  }

  moved(updates: readonly RefUpdate[], reason: string): void {
    this.core.tell(updates, reason);
  }

  watch(listener: (event: T.RefEvent) => void): () => void {
    return this.core.watch(listener);
  }

  prune(): Promise<number> {
    return this.core.change(() => this.core.prune());
  }

  async close(): Promise<void> {
    await this.core.change(async () => undefined);
    this.opened.close();
    this.isolated.close();
    this.staging.pending.clear();
  }
}

export type { Repository } from './facade.js';
