import type { ObjectFormat, Oid } from '../../ports/vocabulary.js';
import { blameFile } from './blame/blamed-file.js';
import { fileAt, pathChange } from './commit/changes.js';
import type { Core } from './core.js';
import { changesAt, statsOf, unifiedDiff } from './diff/diff.js';
import { type Counts, logOf } from './log/log.js';
import { mergeBases } from './merge/bases.js';
import { toBytePath } from './objects/paths.js';
import { entryAt } from './objects/trees.js';
import { listBranches, resolveIn } from './refs/branches.js';
import { listTags } from './refs/tags.js';
import { searchContent } from './search/content.js';
import { findFiles, listDirectory } from './search/files.js';
import { commitAt } from './time/at.js';
import type * as T from './types.js';

/** What is read of a repository: nothing here takes a turn, since what was committed stays as it is. */
export class CommittedStates {
  readonly objectFormat: ObjectFormat;
  private readonly counts: Counts = new Map();

  constructor(protected readonly core: Core) {
    this.objectFormat = core.store.objectFormat;
  }

  async facts(): Promise<T.RepositoryFacts> {
    return { objectFormat: this.objectFormat, head: await this.core.head(), tip: await this.core.headTip() };
  }

  resolve(rev: string): Promise<Oid> {
    return resolveIn(this.core, rev);
  }

  async readFile(path: string, rev = 'HEAD'): Promise<T.FileContent> {
    const at = toBytePath(path);
    return fileAt(this.core.source, at, await entryAt(this.core.source, await this.treeAt(rev), at));
  }

  async list(
    path: string,
    { rev = 'HEAD', recursive = false }: { readonly rev?: string; readonly recursive?: boolean } = {},
  ): Promise<readonly T.ListedEntry[]> {
    return listDirectory(this.core.source, await this.treeAt(rev), path, recursive);
  }

  async log({ from = 'HEAD', exclude = [], ...query }: T.LogQuery = {}): Promise<T.Log> {
    if (from === 'HEAD' && (await this.core.headTip()) === null) return { commits: [], total: 0 };
    const excluded = await Promise.all(exclude.map((rev) => this.resolve(rev)));
    return logOf(this.core.source, [await this.resolve(from)], { ...query, excluded }, this.counts);
  }

  async show(rev: string, options: T.DiffOptions = {}): Promise<T.Shown> {
    const { source, limits } = this.core;
    const commit = await source.commitInfo(await this.resolve(rev));
    const changes = await changesAt(source, await this.core.treeOf(commit.parents[0] ?? null), commit.tree, options.paths);
    return { commit, changes: changes.map(pathChange), diff: await unifiedDiff(source, changes, options, limits.diffText) };
  }

  async diff(from: string | null, to: string, options: T.DiffOptions = {}): Promise<T.Diff> {
    const { old, next, changes } = await this.between(from, to, options);
    const text = await unifiedDiff(this.core.source, changes, options, this.core.limits.diffText);
    return { from: old, to: next, changes: changes.map(pathChange), text };
  }

  async changed(from: string | null, to: string): Promise<readonly T.PathChange[]> {
    return (await this.between(from, to, {})).changes.map(pathChange);
  }

  async diffStat(from: string | null, to: string, options: T.DiffOptions = {}): Promise<readonly T.PathStat[]> {
    return statsOf(this.core.source, (await this.between(from, to, options)).changes);
  }

  async blame(path: string, rev = 'HEAD'): Promise<readonly T.BlamedLine[]> {
    return blameFile(this.core.source, await this.resolve(rev), path);
  }

  branches(): Promise<readonly T.Branch[]> {
    return listBranches(this.core);
  }

  tags(): Promise<readonly T.Tag[]> {
    return listTags(this.core);
  }

  async mergeBases(a: string, b: string): Promise<readonly Oid[]> {
    return mergeBases(this.core.source, [await this.resolve(a)], [await this.resolve(b)]);
  }

  searchCommits(text: string, options: Omit<T.LogQuery, 'message'> = {}): Promise<T.Log> {
    return this.log({ ...options, message: text });
  }

  async searchFiles(glob: string, rev = 'HEAD'): Promise<readonly T.ListedEntry[]> {
    return findFiles(this.core.source, await this.treeAt(rev), glob);
  }

  async searchContent({ rev = 'HEAD', ...query }: T.ContentQuery): Promise<readonly T.ContentMatch[]> {
    return searchContent(this.core.source, await this.treeAt(rev), query);
  }

  async at(time: number, rev = 'HEAD'): Promise<T.CommitInfo> {
    return this.core.source.commitInfo(await commitAt(this.core.source, await this.resolve(rev), time));
  }

  /** The root tree of a revision; null for HEAD before the first commit. */
  private async treeAt(rev: string): Promise<Oid | null> {
    if (rev === 'HEAD' && (await this.core.headTip()) === null) return null;
    return this.core.treeOf(await this.resolve(rev));
  }

  private async between(from: string | null, to: string, { paths }: T.DiffOptions) {
    const [old, next]: [Oid | null, Oid] = [from === null ? null : await this.resolve(from), await this.resolve(to)];
    const changes = await changesAt(this.core.source, await this.core.treeOf(old), await this.core.treeOf(next), paths);
    return { old, next, changes };
  }
}
