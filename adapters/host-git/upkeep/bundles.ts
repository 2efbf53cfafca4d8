import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BundleArchive, type KeptBundle, KvError, type ObjectFormat, type Oid, type RefName } from '../../../ports/index.js';
import { isSame, proveBundle, refsIn, sync } from '../process/bundle-file.js';
import { checkRef } from '../process/guard.js';
import { archivesFolder, type Hosted } from '../process/hosted.js';
import { runGit } from '../process/run-git.js';

const DRAFT = '.draft-';
const SUFFIX = '.bundle';

/** A name that can become a file's and an argument of git. */
const NAME = /^[A-Za-z0-9_@][A-Za-z0-9._@-]*$/;

/** `git bundle` files in a folder of the repository. */
export class GitBundles implements BundleArchive {
  private readonly folder: string;

  constructor(private readonly hosted: Hosted) {
    this.folder = archivesFolder(hosted.gitDir);
  }

  place(name: string): string {
    if (NAME.test(name)) return join(this.folder, `${name}${SUFFIX}`);
    throw new KvError('INPUT_INVALID', `'${name}' is no name for a bundle`);
  }

  async write(name: string, format: ObjectFormat, refs: ReadonlyMap<RefName, Oid>): Promise<number> {
    const path = this.place(name);
    for (const ref of refs.keys()) checkRef(ref);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await sweepDrafts(this.folder);
    if ((await exists(path)) && !isSame(await this.refs(name), refs)) {
      throw new KvError('CAS_CONFLICT', `${path} is there already and holds other commits`, {
        hint: 'move that bundle somewhere else first',
      });
    }
    const draft = join(this.folder, `${DRAFT}${randomBytes(6).toString('hex')}`);
    try {
      await this.git('bundle', 'create', '--quiet', draft, ...refs.keys());
      await sync(draft);
      await proveBundle(this.hosted, draft, format, refs);
      await rename(draft, path);
      await sync(this.folder);
      return (await stat(path)).size;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async has(name: string): Promise<boolean> {
    return exists(this.place(name));
  }

  async list(): Promise<readonly KeptBundle[]> {
    const kept: KeptBundle[] = [];
    for (const file of (await filesIn(this.folder)).sort()) {
      const name = file.slice(0, -SUFFIX.length);
      if (!file.endsWith(SUFFIX) || !NAME.test(name)) continue;
      const place = this.place(name);
      kept.push({ name, place, written: Math.floor((await stat(place)).mtimeMs) });
    }
    return kept;
  }

  async refs(name: string): Promise<ReadonlyMap<RefName, Oid>> {
    const path = this.place(name);
    if (!(await exists(path))) throw new KvError('NOT_FOUND', `there is no bundle ${path}`);
    return refsIn(await this.git('bundle', 'list-heads', path));
  }

  private git(...args: string[]): Promise<string> {
    const { gitDir, serviceEnv: env } = this.hosted;
    return runGit(['-C', gitDir, ...args], { env });
  }
}

/** Removes what a crash has left. Nobody else is at work in the folder: writes go one after another. */
async function sweepDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(DRAFT)) await rm(join(folder, name), { recursive: true, force: true });
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // nothing was ever kept
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // whatever the reason, it can't be used
  );
}
