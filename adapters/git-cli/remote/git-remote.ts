import { resolve } from 'node:path';
import type {
  AskedToPush,
  Direction,
  Endable,
  FetchOptions,
  FetchRequest,
  GitRemote,
  PushOptions,
  ShownToPush,
} from '../../../ports/git/git-remote.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { findRepository } from '../config/repository.js';
import { unlessEnded } from '../process/end-on.js';
import { checkOid, checkRef, checkRemote, checkUrl } from '../process/guard.js';
import { gitPlace } from '../process/run-git.js';
import type { Environment } from '../process/run-git.js';
import { FetchFile } from './fetch/fetch-file.js';
import { fetchesPlainly, fetchPlainly } from './fetch/fetch-plumbing.js';
import { fetchByIds, fetchRefs, type FetchSide } from './fetch/git-fetch.js';
import { pushRefs, type PushSource } from './git-push.js';
import { lsRemote } from './ls-remote.js';
import { shownIn } from './receive-pack/conversation.js';
import { ReceivePackConnection } from './receive-pack/connection.js';
import { directPush } from './receive-pack/direct-push.js';
import { directWay } from './receive-pack/direct-way.js';
import { askOn } from './receive-pack/asked.js';
import { verbLine } from './verb-line.js';
import { type ConfiguredValues, configuredAt, remoteUrl, stargateUrl } from './remote-url.js';

/** Whose remotes are spoken to, and the environment that git runs in. */
export interface GitRemoteOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
  /** The clone's configuration, as it was read once for all; without it, it is read again whenever a URL is asked for. */
  readonly config?: Promise<ConfiguredValues>;
}

/** Talks to the clone's remotes with the git program, so that every URL, credential and ssh setting of the user's counts. */
export async function openGitRemote({ directory, env, config }: GitRemoteOptions): Promise<GitRemote> {
  // Both at once; what is wrong with the configuration is said below.
  config?.catch(() => undefined);
  const { commonDir, objectFormat } = await findRepository(directory, env);
  // From the folder itself, not from the Git directory: git resolves a relative URL from the work tree's top.
  const place = gitPlace(resolve(directory), env);
  await config;
  const configured = (): Promise<ConfiguredValues> => config ?? configuredAt(place);
  return new GitCliRemote({ place, commonDir, format: objectFormat }, configured);
}

class GitCliRemote implements GitRemote {
  private readonly file: FetchFile;
  private expected: Promise<ReceivePackConnection | null> | null = null;
  private greeted: ShownToPush | null = null;
  /** The connections over which a turn was asked for, by its token. */
  private readonly turns = new Map<string, ReceivePackConnection>();

  constructor(
    private readonly clone: PushSource,
    private readonly config: () => Promise<ConfiguredValues>,
  ) {
    this.file = new FetchFile(clone.commonDir);
  }

  async url(remote: string, direction: Direction): Promise<string | null> {
    return remoteUrl(await this.config(), remote, direction);
  }

  async listRefs(
    remote: string,
    direction: Direction,
    patterns: readonly string[],
    { signal }: Endable = {},
  ): Promise<Map<RefName, Oid>> {
    if (patterns.length === 0) return new Map();
    unlessEnded(signal);
    const { place, format } = this.clone;
    return lsRemote(place, format, await this.side(remote, direction), patterns, signal);
  }

  async fetch(
    remote: string,
    direction: Direction,
    requests: readonly FetchRequest[],
    options: FetchOptions = {},
  ): Promise<void> {
    if (requests.length === 0) return;
    unlessEnded(options.signal);
    const side = await this.side(remote, direction);
    for (const { remoteRef, localRef } of requests) [remoteRef, localRef].forEach(checkRef);
    const config = await this.config();
    const url = remoteUrl(config, remote, direction);
    if (url !== null && fetchesPlainly(this.clone, config, url, requests)) {
      await fetchPlainly(this.clone, { remote, direction, url: checkUrl(url) }, requests, options);
      return;
    }
    await fetchRefs(this.clone.place, this.file, side, requests, options);
  }

  async fetchObjects(remote: string, direction: Direction, oids: readonly Oid[], options: FetchOptions = {}): Promise<void> {
    if (oids.length === 0) return;
    unlessEnded(options.signal);
    for (const oid of oids) checkOid(oid, this.clone.format);
    await fetchByIds(this.clone.place, await this.side(remote, direction), oids, options);
  }

  async push(remote: string, updates: readonly RefUpdate[], options: PushOptions): Promise<void> {
    if (updates.length === 0) return;
    unlessEnded(options.signal);
    const url = stargateUrl(await this.config(), remote);
    const held = options.turn === undefined ? undefined : this.turns.get(options.turn);
    try {
      if (await this.pushDirectly({ remote, url, held }, updates, options)) return;
      await pushRefs(this.clone, { remote, url }, updates, options);
    } finally {
      // Not before: with its connection, a turn is given back.
      if (held !== undefined && options.turn !== undefined && this.turns.delete(options.turn)) held.giveUp();
    }
  }

  expectPush(remote: string, anew = false): void {
    if (this.expected !== null) {
      if (!anew) return;
      void this.leaveExpected();
    }
    const expected = this.connect(remote).catch(() => null); // the push itself finds what is wrong, and says it
    this.expected = expected;
    this.greeted = null;
    void expected
      .then((connection) => connection?.greeting)
      .then((greeting) => {
        if (this.expected === expected && greeting !== null && greeting !== undefined) this.greeted = shownIn(greeting);
      });
  }

  shown(): ShownToPush | null {
    return this.greeted;
  }

  async askToPush(remote: string, verb: string, args: readonly string[], { signal }: Endable = {}): Promise<AskedToPush | null> {
    unlessEnded(signal);
    void this.leaveExpected(); // what it has shown is no longer so
    const { place } = this.clone;
    const config = await this.config();
    const url = stargateUrl(config, remote);
    const way = await directWay(place, config, remote, url, (path) => verbLine(path, verb, args));
    if (way === null) return null;
    const asked = await askOn(new ReceivePackConnection(place, way, url, true), { verb, url, signal });
    this.turns.set(asked.token, asked.connection);
    const release = (): void => {
      if (this.turns.delete(asked.token)) asked.connection.giveUp();
    };
    return { answer: asked.answer, release };
  }

  async close(): Promise<void> {
    for (const connection of this.turns.values()) connection.giveUp();
    this.turns.clear();
    await this.leaveExpected();
  }

  private async leaveExpected(): Promise<void> {
    (await this.taken())?.giveUp();
  }

  /** The connection that a push was to come for, which is then nobody else's. */
  private async taken(): Promise<ReceivePackConnection | null> {
    const { expected } = this;
    this.expected = null;
    this.greeted = null;
    return expected;
  }

  private async connect(remote: string): Promise<ReceivePackConnection | null> {
    const config = await this.config();
    const url = stargateUrl(config, remote);
    const way = await directWay(this.clone.place, config, remote, url);
    return way === null ? null : new ReceivePackConnection(this.clone.place, way, url);
  }

  /** False when the push is git's to do. `held`: the connection that has the push's turn. */
  private async pushDirectly(
    { remote, url, held }: { readonly remote: string; readonly url: string; readonly held: ReceivePackConnection | undefined },
    updates: readonly RefUpdate[],
    { atomic, restarts, objects, turn, trace, onRemoteLine, onProgress, signal }: PushOptions,
  ): Promise<boolean> {
    const expected = await this.taken();
    if (objects === undefined || restarts === true || !isSmall(objects) || updates.some(({ next }) => next === null)) {
      expected?.giveUp();
      return false;
    }
    const { format } = this.clone;
    for (const { ref, old, next } of updates) {
      checkRef(ref);
      for (const oid of [old, next]) if (oid !== null) checkOid(oid, format);
    }
    if (held !== undefined) {
      expected?.giveUp();
      if (turn !== undefined) this.turns.delete(turn);
    }
    const connection = held ?? expected ?? (await this.connect(remote));
    const push = { remote, url, format, atomic, objects, turn, trace, onRemoteLine, onProgress, signal };
    return connection !== null && directPush(connection, updates, push);
  }

  /** What git is given for a direction: the name where it will do, since a partial clone's filter hangs on it. */
  private async side(remote: string, direction: Direction): Promise<FetchSide> {
    const from = direction === 'read' ? checkRemote(remote) : stargateUrl(await this.config(), remote);
    return { remote, direction, from };
  }
}

/** More than this is better sent by git: as deltas, and with progress. Objects, and bytes of their bodies. */
const SMALL_OBJECTS = 5000;
const SMALL_BYTES = 4 * 1024 * 1024;

function isSmall(objects: readonly NewObject[]): boolean {
  return objects.length <= SMALL_OBJECTS && objects.reduce((sum, { body }) => sum + body.length, 0) <= SMALL_BYTES;
}
