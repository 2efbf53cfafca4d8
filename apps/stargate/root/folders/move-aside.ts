import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RepositoryName } from '../../../../ports/grammar/repository-name.js';
import { syncPath } from '../../../sync-path.js';
import type { Catalogue } from './catalogue.js';

/** Moves a repository to `.stargate/removed`, durably; gives where it is then. Nobody has it open. Throws Node's error when the disk fails. */
export async function moveAside(catalogue: Catalogue, { owner, name }: RepositoryName): Promise<string> {
  const folder = catalogue.folder({ owner, name });
  const aside = join(catalogue.root, '.stargate', 'removed');
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const target = join(aside, `${owner}~${name}.${new Date().toISOString().replace(/[:.]/g, '-')}.git`);
  await rename(folder, target);
  for (const path of [aside, dirname(folder)]) await syncPath(path);
  return target;
}
