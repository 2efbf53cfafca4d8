/** The name of a repository among others, `owner/name`. */
export interface RepositoryName {
  readonly owner: string;
  readonly name: string;
}

/** The rule for people who have broken it. */
export const REPOSITORY_NAME_RULE =
  "OWNER/NAME, each of letters, digits, '.', '_', '-'; 1 to 63 of them; the first a letter or a digit; no '..', no '.', '.git' or '.lock' at the end";

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** What some system that a folder may be copied to takes for a device. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)\d)(\.|$)/i;
/** Owners that would be read as a part of a server's own paths. */
const RESERVED_OWNERS = new Set(['admin', 'api', 'git', 'health', 'kv', 'metrics', 'repos', 'stargate']);

/** Reads `owner/name`, and nothing else; null for what is no repository's name. */
export function parseRepositoryName(text: string): RepositoryName | null {
  if (text.length > 127) return null;
  const [owner, name, ...more] = text.split('/');
  if (owner === undefined || name === undefined || more.length > 0) return null;
  if (!isPart(owner) || !isPart(name) || RESERVED_OWNERS.has(owner.toLowerCase())) return null;
  return { owner, name };
}

/** The repository that a client's path names: as `parseRepositoryName`, with or without a slash in front and `.git` behind. */
export function parseRepositoryPath(path: string): RepositoryName | null {
  return parseRepositoryName(path.replace(/^\//, '').replace(/\.git$/, ''));
}

/** What two names have in common that some file system can't hold at once: they differ in case alone. */
export function foldedName(name: string): string {
  return name.toLowerCase();
}

function isPart(text: string): boolean {
  return PART.test(text) && !text.includes('..') && !/\.(git|lock)?$/i.test(text) && !DEVICE.test(text);
}
