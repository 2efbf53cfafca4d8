/** A path as one of a list with colons between, such as `GIT_ALTERNATE_OBJECT_DIRECTORIES`: one that would break the list is quoted as in C. */
export function listedPath(path: string): string {
  return /[:"\\]/.test(path) ? `"${path.replace(/(["\\])/g, '\\$1')}"` : path;
}
