import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { Direction, FetchOptions, FetchRequest, GitTransport, PushOptions } from '../../../ports/git-transport.js';
import type { ObjectFormat, Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { runAdmin } from './admin-client.js';
import { readConfig } from '../config/read-config.js';
import { FetchRecord } from './fetch-record.js';
import { firstComplaint, gitPlace } from '../process/run-git.js';
import type { Environment, GitPlace, GitResult } from '../process/run-git.js';
import { checkOid, checkRef, checkRemote, checkUrl } from '../process/guard.js';
import { lockedHere, unlessRaced } from '../refs/local-race.js';
import { withoutHistory } from './no-history.js';
import { progressTo } from '../process/progress.js';
import { pushError } from './push-outcome.js';
import { exactRefspec, optionalRefspec } from './refspec.js';
import { listRefs } from '../refs/refs.js';
import { damagedThere, NOT_GIVEN, shownUrl, unreachable, wrongFormat } from './remote-error.js';
import { runRemote } from './remote-run.js';
import { findRepository } from '../config/repository.js';

export interface GitTransportOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
}

const FETCH = [
  'fetch',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--recurse-submodules=no',
  '--refmap=',
  '--atomic',
];
const PUSH = ['push', '--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', '--recurse-submodules=no'];

/** Talks to the clone's remotes with the git program, so that every URL, credential and ssh setting of the user's counts. */
export async function openGitTransport({ directory, env }: GitTransportOptions): Promise<GitTransport> {
  const { commonDir, objectFormat } = await findRepository(directory, env);
  // From the folder itself, not from the Git directory: git resolves a relative URL from the work tree's top.
  return new GitCliTransport(gitPlace(resolve(directory), env), objectFormat, commonDir);
}

class GitCliTransport implements GitTransport {
  private readonly record: FetchRecord;

  constructor(
    private readonly place: GitPlace,
    private readonly format: ObjectFormat,
    private readonly commonDir: string,
  ) {
    this.record = new FetchRecord(commonDir);
  }

  async url(remote: string, direction: Direction): Promise<string | null> {
    checkRemote(remote);
    const config = await readConfig(this.place);
    const [url] = config.get(`remote.${remote}.${direction === 'read' ? 'url' : 'pushurl'}`) ?? [];
    return url ?? null;
  }

  async listRefs(remote: string, direction: Direction, patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    const found = new Map<RefName, Oid>();
    if (patterns.length === 0) return found;
    const matches = patterns.map(patternTest);
    const from = await this.address(remote, direction);
    const result = await runRemote(this.place, ['ls-remote', '--refs', '--end-of-options', from, ...patterns], { from });
    if (result.code !== 0) throw await this.failed(remote, direction, `cannot list the refs of '${remote}'`, result);
    for (const line of result.stdout.toString('utf8').split('\n')) {
      const [oid = '', ref = ''] = line.split('\t');
      // git matches the tail of a name.
      if (matches.some((match) => match(ref))) found.set(ref, checkOid(oid, this.format));
    }
    return found;
  }

  async fetch(
    remote: string,
    direction: Direction,
    requests: readonly FetchRequest[],
    options: FetchOptions = {},
  ): Promise<void> {
    if (requests.length === 0) return;
    for (const { remoteRef, localRef } of requests) [remoteRef, localRef].forEach(checkRef);
    const from = await this.address(remote, direction);
    const label = (request: FetchRequest): string => `${remote} ${direction} ${request.remoteRef}`;
    const absent = new Set((await this.record.read()).absent);
    const run = (refspecs: readonly string[]): Promise<GitResult> =>
      unlessRaced(() => this.runShown([...FETCH, '--prune'], from, refspecs, { wanted: options.progress }));
    // A ref that was not there last time is asked for by a pattern, so that its absence costs no second connection.
    const isOptional = (each: FetchRequest): boolean => each.seldom === true || absent.has(label(each));
    const first = await run(requests.map((each) => (isOptional(each) ? optionalRefspec(each) : exactRefspec(each))));
    if (first.code === 0) return;
    if (!/couldn't find remote ref/.test(first.stderr))
      throw await this.failed(remote, direction, `cannot fetch from '${remote}'`, first);
    const second = await run(requests.map(optionalRefspec));
    if (second.code !== 0) throw await this.failed(remote, direction, `cannot fetch from '${remote}'`, second);
    const present = await listRefs(
      this.place,
      requests.map((each) => each.localRef),
    );
    await this.record.update((content) => {
      const known = new Set(content.absent);
      for (const each of requests.filter(({ seldom }) => seldom !== true)) {
        if (present.has(each.localRef)) known.delete(label(each));
        else known.add(label(each));
      }
      content.absent = [...known];
    });
  }

  async fetchObjects(remote: string, direction: Direction, oids: readonly Oid[], options: FetchOptions = {}): Promise<void> {
    if (oids.length === 0) return;
    for (const oid of oids) checkOid(oid, this.format);
    const from = await this.address(remote, direction);
    // Telling the other side what is here would have it walk all of that, to leave out what was not asked for.
    const args = ['-c', 'fetch.negotiationAlgorithm=noop', ...FETCH, '--stdin'];
    const input = `${oids.join('\n')}\n`;
    const run = (): Promise<GitResult> => this.runShown(args, from, [], { wanted: options.progress, input });
    const result = await unlessRaced(run);
    if (result.code === 0) return;
    if (NOT_GIVEN.test(result.stderr))
      throw new KvError('NOT_FOUND', `'${remote}' does not give all of these objects by their ids`, {
        hint: 'fetch the ref that reaches them',
      });
    throw await this.failed(remote, direction, `cannot fetch from '${remote}'`, result);
  }

  async push(remote: string, updates: readonly RefUpdate[], options: PushOptions): Promise<void> {
    if (updates.length === 0) return;
    const url = await this.address(remote, 'write');
    const { place, commonDir, format } = this;
    // A push is silent while it gathers what it sends: then its progress tells that it lives.
    const args = [...PUSH, '--progress', options.atomic ? '--atomic' : '--no-atomic'];
    for (const { ref, old } of updates) {
      // An explicit lease is what makes git compare with `old` instead of with whatever is there.
      args.push(`--force-with-lease=${checkRef(ref)}:${old === null ? '' : checkOid(old, format)}`);
    }
    const refspecs = updates.map(({ ref, next }) => `${next === null ? '' : checkOid(next, format)}:${ref}`);
    const run = (from: GitPlace): Promise<GitResult> =>
      this.runShown(args, remote, refspecs, { wanted: options.progress, to: url, place: from });
    const result = await (options.restarts === true ? withoutHistory({ place, commonDir, format }, run) : run(place));
    if (result.code !== 0) throw pushError({ remote, url }, result.stdout.toString('utf8'), result.stderr);
  }

  /** Runs git with its progress on the terminal, when that is wanted and there is one; quietly else. */
  private async runShown(
    command: readonly string[],
    repository: string,
    refspecs: readonly string[],
    options: { readonly wanted: boolean | undefined; readonly input?: string; readonly to?: string; readonly place?: GitPlace },
  ): Promise<GitResult> {
    const line = options.wanted === true ? progressTo(process.stderr) : undefined;
    const how = command.includes('--progress') ? [] : [line === undefined ? '--quiet' : '--progress'];
    try {
      return await runRemote(options.place ?? this.place, [...command, ...how, '--end-of-options', repository, ...refspecs], {
        from: options.to ?? repository,
        ...(options.input === undefined ? {} : { input: options.input }),
        ...(line === undefined ? {} : { onStderr: line.onStderr }),
      });
    } finally {
      line?.end();
    }
  }

  async admin(remote: string, verb: string, args: readonly string[]): Promise<unknown> {
    return runAdmin(this.place, await this.address(remote, 'write'), verb, args);
  }

  async lastFetch(remote: string, direction: Direction, key: string): Promise<number | null> {
    return (await this.record.read()).fetched[`${remote} ${direction} ${key}`] ?? null;
  }

  async markFetched(remote: string, direction: Direction, key: string, at: number): Promise<void> {
    await this.record.update((content) => (content.fetched[`${remote} ${direction} ${key}`] = at));
  }

  /** What git is given for a direction: the name where it will do, since a partial clone's filter hangs on it. */
  private async address(remote: string, direction: Direction): Promise<string> {
    if (direction === 'read') return checkRemote(remote);
    const url = await this.url(remote, 'write');
    if (url !== null) return checkUrl(url);
    throw new KvError('CONFIG_INVALID', `the remote '${remote}' has no pushurl, so there is no Stargate to write to`, {
      hint: 'set the remote up first',
      advice: { id: 'set-up-remote' },
    });
  }

  private async failed(remote: string, direction: Direction, what: string, result: GitResult): Promise<KvError> {
    const url = await this.url(remote, direction);
    if (url === null) {
      return new KvError('CONFIG_INVALID', `${what}: there is no remote of that name`, {
        hint: `add it with \`git remote add ${remote} <url>\``,
      });
    }
    return (
      wrongFormat(what, result.stderr) ??
      damagedThere(what, result.stderr) ??
      lockedHere(what, result.stderr) ??
      unreachable({ what: direction === 'read' ? `${what} at ${shownUrl(url)}` : what, url, direction }, result.stderr) ??
      new KvError('GIT_ERROR', `${what}: ${firstComplaint(result.stderr)}`, {
        hint: 'git says more when it is run by hand',
        advice: { id: 'debug' },
      })
    );
  }
}

/** A full name, or a glob in which `*` stands for any text. */
function patternTest(pattern: string): (ref: RefName) => boolean {
  checkRef(pattern.replaceAll('*', 'x'));
  const regexp = new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
  return (ref) => regexp.test(ref);
}
