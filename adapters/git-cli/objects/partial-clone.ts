import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { shownUrl } from '../../../ports/grammar/network/shown-url.js';
import type { ObjectHeader, Oid } from '../../../ports/vocabulary.js';
import type { CatFile } from './cat-file.js';
import { type ConfigValues, readConfig } from '../config/read-config.js';
import { firstComplaint, type GitPlace } from '../process/run-git.js';
import { checkRemote, checkUrl } from '../process/guard.js';
import { NOT_GIVEN, unreachable } from '../remote/failure/remote-error.js';
import { runRemote } from '../remote/remote-run.js';
import type { Repository } from '../config/repository.js';

/** What git itself runs for objects that it misses, without what a user's settings could add to it. */
const BRING = [
  ...['-c', 'fetch.negotiationAlgorithm=noop', '-c', 'protocol.version=2', '-c', 'fetch.writeCommitGraph=false', 'fetch'],
  ...['--quiet', '--no-tags', '--no-prune', '--no-prune-tags', '--no-write-fetch-head', '--no-auto-maintenance'],
  ...['--recurse-submodules=no', '--stdin'],
];
/** A server names one object that it hasn't got and gives none of the others, so each costs a connection. */
const MOST_REFUSALS = 100;

/** Whether a repository was cloned with a filter. Git writes it into the repository's own configuration, and a file is read in no time. */
export function isPartialClone({ commonDir }: Pick<Repository, 'commonDir'>): boolean {
  try {
    return /^[^#;\n]*(promisor|partialclone)/im.test(readFileSync(join(commonDir, 'config'), 'utf8'));
  } catch {
    return false; // git will say what is wrong with it
  }
}

/**
 * Where git sees a partial clone's objects, but not its remotes: what is missing is then said to be missing, where it would be
 * fetched alone otherwise, over a connection of its own. (GIT_NO_LAZY_FETCH ends the process at the first.)
 * Null when the folder that stands for the repository can't be made.
 */
export async function placeWithoutRemotes(repository: Repository): Promise<GitPlace | null> {
  const folder = join(repository.commonDir, 'kv', 'objects-only.git');
  const config = `[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = ${repository.objectFormat}\n`;
  try {
    await mkdir(join(folder, 'refs'), { recursive: true });
    await writeOnce(join(folder, 'config'), config);
    await writeOnce(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
  } catch {
    return null; // a clone that can only be read: git fetches one by one, and says itself that it can't
  }
  const { place, objectsFolder } = repository;
  return { cwd: place.cwd, env: { ...place.env, GIT_DIR: folder, GIT_OBJECT_DIRECTORY: objectsFolder } };
}

async function writeOnce(path: string, content: string): Promise<void> {
  try {
    if (readFileSync(path, 'utf8') === content) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Brings objects that a partial clone has left at its remote, many over one connection. */
export class PromisedObjects {
  /** True once something was brought: every connection leaves a pack. */
  brought = false;
  private readonly absent = new Set<Oid>();
  private readonly wanted = new Set<Oid>();
  private last: Promise<void> = Promise.resolve();
  private next: Promise<void> | null = null;

  /** `place` is that of the work tree: git resolves a relative URL from its top. */
  constructor(
    private readonly place: GitPlace,
    /** Asks a git that sees the objects here and no others. */
    private readonly headers: CatFile<ObjectHeader>,
  ) {}

  /**
   * Resolves when the objects are here, or the remote has said that it hasn't got them. Calls that come while a fetch runs share
   * the one after it. Throws `IO_ERROR` when there may be none (`GIT_NO_LAZY_FETCH`), or the remote can't be reached.
   */
  async bring(oids: readonly Oid[]): Promise<void> {
    const asked = oids.filter((oid) => !this.absent.has(oid));
    if (asked.length === 0) return;
    for (const oid of asked) this.wanted.add(oid);
    if (this.next === null) {
      this.next = this.last.then(async () => {
        this.next = null;
        const all = [...this.wanted];
        this.wanted.clear();
        await this.fetch(await this.missing(all));
      });
      this.last = this.next.catch(() => undefined); // told to those who asked for it
    }
    await this.next;
  }

  private async missing(oids: readonly Oid[]): Promise<Oid[]> {
    const headers = await this.headers.ask(oids);
    return oids.filter((_, i) => headers[i] === null);
  }

  private checkAllowed(oids: readonly Oid[]): void {
    if (!/^(1|true|yes|on)$/i.test(this.place.env['GIT_NO_LAZY_FETCH'] ?? '')) return;
    const more = oids.length > 1 ? ` (nor are ${oids.length - 1} more)` : '';
    throw new KvError('IO_ERROR', `object ${oids[0]} is not in this partial clone${more}`, {
      hint: 'run it once online, without GIT_NO_LAZY_FETCH, so that it is fetched',
      advice: { id: 'fetch-partial' },
      details: { missing: oids.slice(0, 100) },
    });
  }

  private async fetch(oids: readonly Oid[]): Promise<void> {
    if (oids.length === 0) return;
    this.checkAllowed(oids);
    const config = await readConfig(this.place);
    const sources = promisorRemotes(config).map((name) => ({
      name: checkRemote(name),
      url: config.get(`remote.${name}.url`)?.[0],
    }));
    let left = oids;
    for (const { name, url = name } of sources) {
      try {
        await this.fetchFrom(['--filter=blob:none', '--end-of-options', name], url, left);
      } catch (error) {
        const stargate = config.get(`remote.${name}.pushurl`)?.[0];
        if (stargate === undefined) throw error;
        // By its URL it has no filter of its own. That the mirror can't be reached is what people want to hear if this fails too.
        await this.fetchFrom(['--end-of-options', checkUrl(stargate)], stargate, left).catch(() => Promise.reject(error));
      }
      left = await this.missing(left);
      if (left.length === 0) return;
    }
    for (const oid of left) this.absent.add(oid);
  }

  private async fetchFrom(address: readonly string[], url: string, oids: readonly Oid[]): Promise<void> {
    const left = new Set(oids);
    for (let refusals = 0; left.size > 0; refusals++) {
      const { code, stderr } = await runRemote(this.place, [...BRING, ...address], {
        from: url,
        input: `${[...left].join('\n')}\n`,
      });
      if (code === 0) {
        this.brought = true;
        return;
      }
      const refused = NOT_GIVEN.exec(stderr)?.[1];
      if (refused !== undefined && left.delete(refused) && refusals < MOST_REFUSALS) continue;
      const which = oids.length === 1 ? `object ${oids[0]}` : `${oids.length} objects, such as ${oids[0]},`;
      const what = `cannot fetch ${which} that this partial clone lacks`;
      throw (
        unreachable({ what: `${what} from ${shownUrl(url)}`, url, direction: 'read' }, stderr) ??
        new KvError('IO_ERROR', `${what}: ${firstComplaint(stderr)}`, { hint: 'check the address: git remote -v' })
      );
    }
  }
}

/** In the order in which git asks them. */
function promisorRemotes(config: ConfigValues): string[] {
  const remotes = new Set<string>();
  for (const [key, values] of config) {
    const name = /^remote\.(.+)\.promisor$/.exec(key)?.[1];
    if (name !== undefined && /^(true|yes|on|1)$/i.test(values.at(-1) ?? '')) remotes.add(name);
  }
  const old = config.get('extensions.partialclone')?.at(-1);
  if (old !== undefined) remotes.add(old);
  return [...remotes];
}
