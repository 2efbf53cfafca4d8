import type { Repository } from '../../../domain/repo/repository.js';
import type { ListedEntry } from '../../../domain/repo/types.js';
import { KvError } from '../../../ports/error.js';

/** A definition as a listing has it. */
export type ListedDefinition = Pick<ListedEntry, 'path' | 'size' | 'oid'>;

/** How definitions are called: `Dockerfile`, `Containerfile.web`, `web.dockerfile`. */
const NAME = /^(?:(?:docker|container)file(?:\.[\w.-]+)?|[\w.-]+\.(?:docker|container)file)$/i;
/** The largest one, bytes. */
export const LARGEST_DEFINITION = 256 * 1024;

/** Whether a file is a definition, by its name. */
export const isDefinition = (path: string): boolean => NAME.test(path.slice(path.lastIndexOf('/') + 1));

/** Throws `INPUT_INVALID` for a path that no definition has. */
export function checkDefinition(path: string): void {
  if (isDefinition(path)) return;
  throw new KvError('INPUT_INVALID', `'${path.slice(0, 200)}' is not called like a container definition`, {
    hint: 'call it Dockerfile or Containerfile, with an ending if there are several',
  });
}

/** The definitions of a revision. */
export async function definitions(repository: Repository, rev: string): Promise<readonly ListedDefinition[]> {
  const { tip } = await repository.facts();
  if (tip === null && rev === 'HEAD') return [];
  const all = await repository.list('', { rev, recursive: true });
  return all.filter(({ path, type }) => type === 'file' && isDefinition(path));
}

/** What a definition begins with: the images that its `FROM` lines name, in their order. */
export function imagesOf(content: string): string[] {
  return [...content.matchAll(/^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)/gim)].map(([, image = '']) => image).slice(0, 100);
}
