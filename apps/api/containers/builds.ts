import { createHash } from 'node:crypto';
import type { Repository } from '../../../domain/repo/repository.js';
import type { ContainerBuilder } from '../../../ports/sandbox/container-builder.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { filesOf } from '../commands/commands.js';
import type { KeptJson } from '../pool/kept-json.js';
import { newId } from '../pool/repository-settings.js';
import type { Build, BuildRequest, BuildState } from './build.js';
import { BuildLog, type KeptLogs } from './build-log.js';

/** What builds work with. */
export interface BuildParts {
  /** Opened when it is first needed. */
  readonly builder: () => Promise<ContainerBuilder>;
  readonly use: <T>(id: string, work: (repository: Repository) => Promise<T>) => Promise<T>;
  readonly now: () => number;
  readonly time: number;
  readonly memory: number;
  /** Where they are kept, and what they say; null for nowhere. */
  readonly kept: { readonly builds: KeptJson<readonly Build[]>; readonly logs: KeptLogs } | null;
  /** Whether a repository is there after a restart. */
  readonly isKept: (repository: string) => boolean;
}

/** Builds that are remembered of one repository, with their images; and that may wait. */
const REMEMBERED = 100;
const WAITING = 50;
/** Those of one repository that may run or wait, so that others have their turn. */
const OF_ONE = 10;
/** What is kept in memory of what builds have said that have ended, characters: the oldest go first. */
const SAID = 32 * 1024 * 1024;
/** Why a build ends that nobody has cancelled. */
const SERVER_ENDS = 'the server ended before the build did';

/** Builds of container images, one after another. */
export class Builds {
  private readonly known = new Map<string, Build>();
  private readonly logs = new Map<string, BuildLog>();
  private readonly stops = new Map<string, AbortController>();
  private readonly queue: Build[] = [];
  private working: Promise<void> | null = null;
  private opened: Promise<ContainerBuilder> | null = null;
  private isClosed = false;
  /** What is still being written of what builds say. */
  private readonly followed = new Map<string, Promise<void>>();
  private cleared: Promise<void> = Promise.resolve();

  constructor(private readonly parts: BuildParts) {}

  /** Knows what was built before, and what was not built to its end; to be called once, at the start. */
  async load(): Promise<void> {
    const orphans = new Set<string>();
    let isChanged = false;
    for (const build of (await this.parts.kept?.builds.read()) ?? []) {
      if (build.isKept === false) orphans.add(build.repository);
      else this.known.set(build.id, { ...build, isKept: true });
    }
    for (const build of this.known.values()) {
      if (build.finishedAt !== null) continue;
      Object.assign(build, { state: 'interrupted', error: SERVER_ENDS, finishedAt: this.parts.now() });
      isChanged = true;
    }
    if (isChanged || orphans.size > 0) await this.keep();
    // Repositories that lived in memory are gone, and images of theirs are not.
    if (orphans.size > 0) this.cleared = this.clear([...orphans]).catch(() => undefined); // they take room, and nothing else
  }

  /**
   * Puts a build in line; resolves once it would be known after a crash. Throws `NOT_SUPPORTED` where nothing can be built, `BUSY` for too
   * many that wait, `IO_ERROR`.
   */
  async start(repository: string, request: BuildRequest): Promise<Build> {
    const { available, missing } = (await this.builder()).capabilities;
    if (!available)
      throw new KvError('NOT_SUPPORTED', 'containers are not built here', { hint: `install ${missing ?? 'a builder'}` });
    await this.cleared;
    const own = this.list(repository).filter(({ finishedAt }) => finishedAt === null).length;
    if (own >= OF_ONE || this.stops.size >= WAITING)
      throw new KvError('BUSY', 'too many builds wait', { hint: 'try again later' });
    const build: Build = {
      ...{ id: newId('bld'), repository, createdAt: this.parts.now(), isKept: this.parts.isKept(repository), ...request },
      ...{ state: 'queued', startedAt: null, finishedAt: null, image: null, error: null },
    };
    this.known.set(build.id, build);
    this.stops.set(build.id, new AbortController());
    try {
      await this.keep();
    } catch (error) {
      this.known.delete(build.id);
      this.stops.delete(build.id);
      throw error;
    }
    const log = new BuildLog();
    this.logs.set(build.id, log);
    if (build.isKept) this.followed.set(build.id, this.follow(build.id, log));
    this.queue.push(build);
    this.working ??= this.work();
    return build;
  }

  /** How many run or wait. */
  get unfinished(): number {
    return this.stops.size;
  }

  /** Newest first. */
  list(repository: string): Build[] {
    return [...this.known.values()].filter((build) => build.repository === repository).reverse();
  }

  /** Throws `NOT_FOUND`. */
  get(repository: string, id: string): Build {
    const build = this.known.get(id);
    if (build?.repository === repository) return build;
    throw new KvError('NOT_FOUND', 'there is no such build');
  }

  /** What it says, while it is in memory; null once it isn't. */
  log(id: string): BuildLog | null {
    return this.logs.get(id) ?? null;
  }

  /** What it has said; empty where that is not kept any more. */
  async said(id: string): Promise<string> {
    return this.logs.get(id)?.said() ?? (await this.parts.kept?.logs.read(id)) ?? '';
  }

  /** Ends one that has not ended. Throws `NOT_FOUND`, `CAS_CONFLICT` for one that has. */
  cancel(repository: string, id: string): Build {
    const build = this.get(repository, id);
    if (build.state !== 'queued' && build.state !== 'running')
      throw new KvError('CAS_CONFLICT', `the build has ${build.state === 'cancelled' ? 'been cancelled' : build.state} already`);
    this.stops.get(id)?.abort();
    if (build.state === 'queued') this.finish(build, 'cancelled', null);
    return build;
  }

  /** Ends those of a repository, which is about to go. */
  end(repository: string): void {
    for (const { id, state } of this.list(repository)) if (state === 'queued' || state === 'running') this.cancel(repository, id);
  }

  /** Forgets all of a repository, and its images. */
  async forget(repository: string): Promise<void> {
    const builds = this.list(repository);
    for (const { id } of builds) {
      this.stops.get(id)?.abort();
      this.known.delete(id);
      this.logs.get(id)?.end();
      await this.unsay(id);
    }
    if (builds.length === 0) return;
    await (await this.builder()).forget(scopeOf(repository));
    await this.keep();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const stop of this.stops.values()) stop.abort(SERVER_ENDS);
    await this.working;
    await Promise.all(this.followed.values());
    await this.cleared;
    await this.keep();
    await (await this.opened)?.close();
  }

  private builder(): Promise<ContainerBuilder> {
    this.opened ??= this.parts.builder();
    this.opened.catch(() => (this.opened = null)); // the next one tries again
    return this.opened;
  }

  private async work(): Promise<void> {
    for (let build = this.queue.shift(); build !== undefined; build = this.queue.shift()) {
      if (build.state !== 'queued') continue;
      if (this.isClosed) this.finish(build, 'interrupted', SERVER_ENDS);
      else await this.build(build);
      await this.trim(build.repository);
      await this.keep().catch(() => undefined); // the build is done all the same; the next one tries again
    }
    this.working = null;
  }

  private async build(build: Build): Promise<void> {
    const { parts } = this;
    const { repository, commit, context, definition, tag, args } = build;
    const signal = this.stops.get(build.id)?.signal ?? AbortSignal.abort();
    Object.assign(build, { state: 'running', startedAt: parts.now() });
    try {
      const builder = await this.builder();
      const image = await parts.use(repository, (repo) => {
        const below = context === '' ? '' : `${context}/`;
        const files = filesOf({
          files: async () => {
            const all = await repo.list(context, { rev: commit, recursive: true });
            return all.map((entry) => ({ ...entry, path: entry.path.slice(below.length) }));
          },
          read: (path) => repo.readFile(below + path, commit),
        });
        const log = (text: string): void => this.log(build.id)?.add(text);
        return builder.build({
          files,
          scope: scopeOf(repository),
          definition: definition.slice(below.length),
          tag,
          args,
          time: parts.time,
          memory: parts.memory,
          log,
          signal,
        });
      });
      build.image = image;
      this.finish(build, 'succeeded', null);
    } catch (error) {
      const { code, message } = toKvError(error);
      if (signal.reason === SERVER_ENDS) this.finish(build, 'interrupted', SERVER_ENDS);
      else if (signal.aborted) this.finish(build, 'cancelled', null);
      else this.finish(build, 'failed', code === 'UNEXPECTED' ? 'the build failed inside the server' : message);
    }
  }

  private finish(build: Build, state: BuildState, error: string | null): void {
    Object.assign(build, { state, error, finishedAt: this.parts.now() });
    this.stops.delete(build.id);
    this.log(build.id)?.end();
    this.forgetSaid();
  }

  /** Has what a build says written down, and forgets it once it is. */
  private async follow(id: string, log: BuildLog): Promise<void> {
    await this.parts.kept?.logs.follow(id, log);
    this.logs.delete(id);
    this.followed.delete(id);
  }

  private forgetSaid(): void {
    let room = SAID;
    for (const [id, log] of [...this.logs].reverse()) {
      room -= log.said().length;
      if (room < 0 && !this.stops.has(id)) this.logs.delete(id);
    }
  }

  private async unsay(id: string): Promise<void> {
    await this.followed.get(id);
    this.logs.delete(id);
    await this.parts.kept?.logs.remove(id);
  }

  private async clear(repositories: readonly string[]): Promise<void> {
    const builder = await this.builder();
    for (const repository of repositories) await builder.forget(scopeOf(repository));
  }

  /** Forgets the oldest, and their images. */
  private async trim(repository: string): Promise<void> {
    const ended = this.list(repository).filter(({ finishedAt }) => finishedAt !== null);
    for (const build of ended.slice(REMEMBERED)) await this.drop(build);
  }

  private async drop({ id, image, repository }: Build): Promise<void> {
    this.known.delete(id);
    await this.unsay(id).catch(() => undefined); // it takes room, and nothing else
    const isShared = this.list(repository).some((other) => other.image?.id === image?.id);
    if (image !== null && !isShared) await (await this.builder()).remove(scopeOf(repository), image.id).catch(() => undefined); // it takes room, and nothing else
  }

  private async keep(): Promise<void> {
    await this.parts.kept?.builds.write(() => [...this.known.values()]);
  }
}

/** A repository's name as builders take it: names differ in their case too, and folders may not. */
function scopeOf(repository: string): string {
  return createHash('sha256').update(repository).digest('hex').slice(0, 32);
}
