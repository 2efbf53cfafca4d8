import { lchown, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/index.js';
import { clearAway } from '../lay-down.js';

/** The storage of one scope, made where it isn't there. `owner` is whom builds are to the system; null where that is this process. */
export async function scopeStorage(storage: string, scope: string, network: boolean, owner: number | null): Promise<string> {
  const folder = scopeFolder(storage, scope);
  // Once a build was here, what is inside may be anything, links among it: nothing of it is changed any more by its name.
  if (!(await isThere(folder))) await make(storage, folder, owner);
  const rules = join(folder, 'policy.json');
  await rm(rules, { recursive: true, force: true });
  await writeFile(rules, policy(network), { flag: 'wx', mode: 0o644 });
  return folder;
}

/** Makes one that is there whole, or not at all. */
async function make(storage: string, folder: string, owner: number | null): Promise<void> {
  const fresh = await mkdtemp(join(storage, 'new-'));
  for (const name of ['images', 'run', 'home']) await mkdir(join(fresh, name));
  if (owner !== null) for (const name of ['images', 'run', 'home', '.']) await lchown(join(fresh, name), owner, owner);
  try {
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await isThere(folder))) throw error; // else another was quicker
  }
}

async function isThere(folder: string): Promise<boolean> {
  try {
    return (await lstat(folder)).isDirectory();
  } catch {
    return false; // making it says why, if it is for more than that
  }
}

/** Removes all of a scope. */
export async function dropScope(storage: string, scope: string): Promise<void> {
  await clearAway(scopeFolder(storage, scope));
}

function scopeFolder(storage: string, scope: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(scope)) throw new KvError('INPUT_INVALID', 'that is no name for a scope of builds');
  return join(storage, `of-${scope}`);
}

/** Images of nobody, but of registries where there is a network: not the archives and folders of this machine. */
function policy(network: boolean): string {
  const any = [{ type: 'insecureAcceptAnything' }];
  return JSON.stringify({ default: [{ type: 'reject' }], ...(network ? { transports: { docker: { '': any } } } : {}) });
}
