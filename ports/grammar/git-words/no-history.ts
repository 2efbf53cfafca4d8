/**
 * The shallow file with which a push leaves out what any ref of the other side holds. Git looks for that only along the history of
 * what it sends, and finds none behind a commit without parents; in a shallow repository, where history says little, it looks at
 * the trees of all refs. So git is told that the repository is shallow, at a commit that does not exist: nothing else follows from
 * that. `ownShallow` is the text of the repository's own shallow file, which holds as well; `oidLength` in hex digits.
 */
export function noHistory(oidLength: number, ownShallow = ''): string {
  return `${ownShallow}${'1'.repeat(oidLength)}\n`;
}
