import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { fileAt, pathChange } from '../commit/changes.js';
import { makeCommit, nothingToCommit, wordsOf } from '../commit/commit.js';
import type { Core } from '../core.js';
import { changesAt, unifiedDiff } from '../diff/diff.js';
import { logOf } from '../log/log.js';
import { mergeIncoming } from '../merge/merge.js';
import { shown, toBytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { changesBetween, entryAt } from '../objects/trees.js';
import { resolveIn } from '../refs/branches.js';
import { isRefPart } from '../refs/names.js';
import { listDirectory } from '../search/files.js';
import { Overlay } from '../staging/overlay.js';
import { Pending } from '../staging/pending.js';
import type { Reality, RealityChanges, RealityInfo, Validation, Validator } from '../isolated.js';
import type {
  CommitInfo,
  Diff,
  DiffOptions,
  FileContent,
  ListedEntry,
  Log,
  LogQuery,
  MergeRequest,
  MergeResult,
  PathChange,
} from '../types.js';

/** What a reality takes that nothing was changed in, bytes, counted against the repository's limits. */
const A_REALITY = 512;

/** The realities of a repository. They live in memory alone, and share every object that none of them has changed. */
export class Realities {
  private readonly known = new Map<string, IsolatedReality>();

  constructor(private readonly core: Core) {
    core.keeps.add(() => [...this.known.values()].flatMap(({ base }) => (base === null ? [] : [base])));
  }

  /** Makes realities that part from a revision, all or none. Throws `CAS_CONFLICT` for a name that is taken, `BUSY` for too many. */
  async create(names: readonly string[], from = 'HEAD'): Promise<IsolatedReality[]> {
    const { realities } = this.core.limits;
    for (const name of names) {
      if (!isRefPart(name) || name.length > 200)
        throw new KvError('INPUT_INVALID', `'${shown(name)}' is no name for a reality`, { hint: 'use a name such as canary-2' });
      if (this.known.has(name)) throw taken(name);
    }
    const once = new Set(names);
    if (once.size < names.length) throw taken(names.find((name, i) => names.indexOf(name) < i) ?? '');
    if (this.known.size + names.length > realities)
      throw new KvError('BUSY', `a repository has at most ${realities} realities`, { hint: 'promote or drop some' });
    const base = from === 'HEAD' && (await this.core.headTip()) === null ? null : await resolveIn(this.core, from);
    const tree = await this.core.treeOf(base);
    for (const name of once) if (this.known.has(name)) throw taken(name); // made meanwhile
    const release = this.core.store.reserve?.(A_REALITY * once.size);
    release?.();
    return names.map((name) => {
      const one = new IsolatedReality(this.core, this, name, base, tree);
      this.known.set(name, one);
      return one;
    });
  }

  /** Throws `NOT_FOUND`. */
  get(name: string): IsolatedReality {
    const one = this.known.get(name);
    if (one !== undefined) return one;
    throw new KvError('NOT_FOUND', `there is no reality '${shown(name)}'`, { details: { reality: shown(name) } });
  }

  all(): IsolatedReality[] {
    return [...this.known.values()];
  }

  /** Merges a reality into a branch, and ends it where that went well. */
  async promote(name: string, request: Omit<MergeRequest, 'from'>): Promise<MergeResult> {
    const one = this.get(name);
    return one.alone(async () => {
      const { tip } = one;
      if (tip === null) throw nothingToCommit();
      const incoming = { commit: tip, objects: one.pending.objects, name: `reality '${name}'` };
      const result = await this.core.change((land) =>
        mergeIncoming(
          this.core,
          (objects, updates, reason) => one.pending.handOver(() => land(objects, updates, reason)),
          incoming,
          request,
        ),
      );
      if (result.status !== 'conflicts') this.drop(name);
      return result;
    });
  }

  /** Forgets a reality and all that it alone holds. Throws `NOT_FOUND`. */
  drop(name: string): void {
    const one = this.get(name);
    this.known.delete(name);
    one.end();
    this.core.left();
  }

  close(): void {
    for (const name of [...this.known.keys()]) this.drop(name);
  }
}

/** A line of commits on top of a revision that no ref names. */
class IsolatedReality implements Reality {
  readonly pending: Pending;
  private readonly release: (() => void) | undefined;
  private readonly createdAt: number;
  private commits = 0;
  private ended = false;
  private turn: Promise<unknown> = Promise.resolve();
  private newest: { readonly commit: Oid | null; readonly tree: Oid | null };

  constructor(
    private readonly core: Core,
    private readonly others: Realities,
    private readonly name: string,
    readonly base: Oid | null,
    private readonly baseTree: Oid | null,
  ) {
    this.pending = new Pending(core.store);
    this.release = core.store.reserve?.(A_REALITY);
    this.createdAt = core.now();
    this.newest = { commit: base, tree: baseTree };
  }

  get tip(): Oid | null {
    return this.newest.commit;
  }

  info(): RealityInfo {
    const { name, base, commits, createdAt } = this;
    return { name, base, tip: this.tip, commits, createdAt, bytes: this.pending.bytes };
  }

  apply({ author, message, ...changes }: RealityChanges): Promise<CommitInfo> {
    return this.alone(async () => {
      const words = wordsOf(this.core, { author, message: message ?? `Changes in reality '${this.name}'\n` });
      // Blobs that are not committed in the end are not kept.
      const pending = new Pending(this.core.store);
      try {
        const overlay = new Overlay(
          { source: this.source(), namer: this.core.namer, pending, limits: this.core.limits },
          this.newest.tree,
        );
        const applied = this.core.withRoom(() => overlay.apply(changes));
        if (applied instanceof Promise) await applied;
        if (overlay.edits.size === 0) throw nothingToCommit();
        const objects: NewObject[] = [...pending.objects.values()];
        const sealed = overlay.tree(objects);
        const tree = sealed instanceof Promise ? await sealed : sealed;
        const parents = this.tip === null ? [] : [this.tip];
        const made = makeCommit(this.core, null, { tree, before: this.newest.tree, parents, objects: this.with(objects) }, words);
        const { object, info } = made instanceof Promise ? await made : made;
        pending.clear();
        this.pending.add(...objects, object);
        this.newest = { commit: object.oid, tree };
        this.commits++;
        return info;
      } finally {
        pending.clear();
      }
    });
  }

  readFile(path: string): Promise<FileContent> {
    const at = toBytePath(path);
    return this.reading(async (source) => fileAt(source, at, await entryAt(source, this.newest.tree, at)));
  }

  list(path: string, options: { readonly recursive?: boolean } = {}): Promise<readonly ListedEntry[]> {
    return this.reading((source) => listDirectory(source, this.newest.tree, path, options.recursive === true));
  }

  log(query: LogQuery = {}): Promise<Log> {
    return this.reading((source) => logOf(source, this.tip === null ? [] : [this.tip], query));
  }

  diff(against?: { readonly reality: string } | { readonly rev: string }, options: DiffOptions = {}): Promise<Diff> {
    return this.reading(async (own) => {
      const { tip, tree } = { tip: this.tip, tree: this.newest.tree };
      let from = { commit: this.base, tree: this.baseTree };
      let source = own;
      if (against !== undefined && 'reality' in against) {
        const other = this.others.get(against.reality);
        from = other.newest;
        source = own.behind(other.pending);
      } else if (against !== undefined) {
        const commit = await resolveIn(this.core, against.rev);
        from = { commit, tree: await this.core.treeOf(commit) };
      }
      const changes = await changesAt(source, from.tree, tree, options.paths);
      const text = await unifiedDiff(source, changes, options, this.core.limits.diffText);
      return { from: from.commit, to: tip ?? '', changes: changes.map(pathChange), text };
    });
  }

  changes(): Promise<readonly PathChange[]> {
    return this.reading(async (source) => (await changesBetween(source, this.baseTree, this.newest.tree)).map(pathChange));
  }

  validate(validators: readonly Validator[]): Promise<Validation> {
    return this.reading(async (source) => {
      const { tree } = this.newest;
      const changes = (await changesBetween(source, this.baseTree, tree)).map(pathChange);
      const read = async (path: string): Promise<FileContent | null> => {
        const entry = await entryAt(source, tree, toBytePath(path));
        return entry === null ? null : fileAt(source, toBytePath(path), entry);
      };
      const files = (): Promise<readonly ListedEntry[]> => listDirectory(source, tree, '', true);
      const faults = (await Promise.all(validators.map((validator) => validator({ changes, read, files })))).flat();
      return { valid: faults.length === 0, faults, conflicts: [] };
    });
  }

  /** Runs what changes this reality, one after another. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(() => {
      this.checkThere();
      return work();
    });
    this.turn = result.catch(() => undefined); // the caller has the error; the next call has its turn all the same
    return result;
  }

  /** Gives back what it holds. */
  end(): void {
    this.ended = true;
    this.pending.clear();
    this.release?.();
  }

  private async reading<T>(read: (source: ObjectSource) => Promise<T>): Promise<T> {
    this.checkThere();
    return read(this.source());
  }

  private source(): ObjectSource {
    return this.core.source.behind(this.pending);
  }

  private with(objects: readonly NewObject[]): readonly NewObject[] {
    return (this.core.parts.beforeCommit?.length ?? 0) === 0 ? objects : [...this.pending.objects.values(), ...objects];
  }

  private checkThere(): void {
    if (this.ended) throw new KvError('NOT_FOUND', `reality '${this.name}' has ended`, { details: { reality: this.name } });
  }
}

function taken(name: string): KvError {
  return new KvError('CAS_CONFLICT', `there is a reality '${shown(name)}' already`, {
    hint: 'choose another name',
    details: { reality: shown(name) },
  });
}
