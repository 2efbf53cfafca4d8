import { createHash } from 'node:crypto';
import type { Repository } from '../../../domain/repo/repository.js';
import type { ContainerBuilder } from '../../../ports/sandbox/container-builder.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { filesOf } from '../commands/commands.js';
import type { KeptJson } from '../pool/kept-json.js';
import { newId } from '../pool/repository-settings.js';
import { BuildLog } from './build-log.js';

/** Where a build is. */
export type BuildState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What is to be built. */
export interface BuildRequest {
  readonly definition: string;
  /** The folder that is the build's context; empty for all of the repository. */
  readonly context: string;
  readonly ref: string;
  readonly commit: string;
  readonly tag: string | null;
  readonly args: Readonly<Record<string, string>>;
}

/** One build. */
export interface Build extends BuildRequest {
  readonly id: string;
  readonly repository: string;
  readonly createdAt: number;
  state: BuildState;
  startedAt: number | null;
  finishedAt: number | null;
  image: { readonly id: string; readonly size: number } | null;
  error: string | null;
}

/** What builds work with. */
export interface BuildParts {
  /** Opened when it is first needed. */
  readonly builder: () => Promise<ContainerBuilder>;
  readonly use: <T>(id: string, work: (repository: Repository) => Promise<T>) => Promise<T>;
  readonly now: () => number;
  readonly time: number;
  readonly memory: number;
  /** Where those are kept that have ended; null for nowhere. */
  readonly kept: KeptJson<readonly Build[]> | null;
}

/** Builds that are remembered of one repository, with their images; and that may wait. */
const REMEMBERED = 100;
const WAITING = 50;
/** Those of one repository that may run or wait, so that others have their turn. */
const OF_ONE = 10;

/** Builds of container images, one after another. */
export class Builds {
  private readonly known = new Map<string, Build>();
  private readonly logs = new Map<string, BuildLog>();
  private readonly stops = new Map<string, AbortController>();
  private readonly queue: Build[] = [];
  private working: Promise<void> | null = null;
  private opened: Promise<ContainerBuilder> | null = null;
  private isClosed = false;

  constructor(private readonly parts: BuildParts) {}

  /** Knows what was built before; to be called once, at the start. */
  async load(): Promise<void> {
    for (const build of (await this.parts.kept?.read()) ?? []) this.known.set(build.id, build);
  }

  /** Puts a build in line. Throws `NOT_SUPPORTED` where nothing can be built, `BUSY` for too many that wait. */
  async start(repository: string, request: BuildRequest): Promise<Build> {
    const { available, missing } = (await this.builder()).capabilities;
    if (!available)
      throw new KvError('NOT_SUPPORTED', 'containers are not built here', { hint: `install ${missing ?? 'a builder'}` });
    const own = this.list(repository).filter(({ finishedAt }) => finishedAt === null).length;
    if (own >= OF_ONE || this.queue.length >= WAITING)
      throw new KvError('BUSY', 'too many builds wait', { hint: 'try again later' });
    const build: Build = {
      ...{ id: newId('bld'), repository, createdAt: this.parts.now(), ...request },
      ...{ state: 'queued', startedAt: null, finishedAt: null, image: null, error: null },
    };
    this.known.set(build.id, build);
    this.logs.set(build.id, new BuildLog());
    this.stops.set(build.id, new AbortController());
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

  /** What it has said; null of a build from before the server's start. */
  log(id: string): BuildLog | null {
    return this.logs.get(id) ?? null;
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
      this.logs.delete(id);
    }
    if (builds.length === 0) return;
    await (await this.builder()).forget(scopeOf(repository));
    await this.keep();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const stop of this.stops.values()) stop.abort();
    await this.working;
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
      if (this.isClosed) this.finish(build, 'cancelled', 'the server ended');
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
      this.finish(
        build,
        signal.aborted ? 'cancelled' : 'failed',
        code === 'UNEXPECTED' ? 'the build failed inside the server' : message,
      );
    }
  }

  private finish(build: Build, state: BuildState, error: string | null): void {
    Object.assign(build, { state, error, finishedAt: this.parts.now() });
    this.stops.delete(build.id);
    this.log(build.id)?.end();
  }

  /** Forgets the oldest, and their images. */
  private async trim(repository: string): Promise<void> {
    const ended = this.list(repository).filter(({ finishedAt }) => finishedAt !== null);
    for (const build of ended.slice(REMEMBERED)) await this.drop(build);
  }

  private async drop({ id, image, repository }: Build): Promise<void> {
    this.known.delete(id);
    this.logs.delete(id);
    const isShared = this.list(repository).some((other) => other.image?.id === image?.id);
    if (image !== null && !isShared) await (await this.builder()).remove(scopeOf(repository), image.id).catch(() => undefined); // it takes room, and nothing else
  }

  private async keep(): Promise<void> {
    await this.parts.kept?.write(() => [...this.known.values()].filter(({ finishedAt }) => finishedAt !== null));
  }
}

/** A repository's name as builders take it: names differ in their case too, and folders may not. */
function scopeOf(repository: string): string {
  return createHash('sha256').update(repository).digest('hex').slice(0, 32);
}
