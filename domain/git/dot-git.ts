/** What HFS+ leaves out when it compares names. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
/** What NTFS takes for `.git`. */
const NTFS_DOT_GIT = /^(?:\.git|git~1)[ .]*(?:$|[\\:])/i;

/** Whether some file system takes a name for `.git`. */
export function isDotGit(name: string): boolean {
  if (name.replace(HFS_IGNORED, '').toLowerCase() === '.git') return true;
  return name.split('\\').some((part) => NTFS_DOT_GIT.test(part));
}

/** Whether some file system takes a name for one of git's own files, such as `.gitmodules`. */
export function isDotGitFile(name: string, file: 'gitmodules' | 'gitattributes' | 'gitignore'): boolean {
  if (name.replace(HFS_IGNORED, '').toLowerCase() === `.${file}`) return true;
  return new RegExp(`^(?:\\.${file}|${file.slice(0, 6)}~[1-4])[ .]*(?:$|:)`, 'i').test(name);
}
