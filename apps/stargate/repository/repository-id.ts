import { basename } from 'node:path';

/** Decides whether a client's path names the one repository that this daemon serves. */
export type AnswersTo = (path: string) => boolean;

/** The path of a push URL, `ssh://host/path` or `host:path`, as a client sends it; undefined where there is none. */
export function pathOfUrl(url: string): string | undefined {
  const scp = /^(?:[^/@:]+@)?(?:\[[^\]]+\]|[^/:]+):(?!\/\/)(.+)$/.exec(url);
  if (scp) return scp[1];
  if (!URL.canParse(url)) return undefined;
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'ssh:' && protocol !== 'git+ssh:') return undefined;
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined; // a stray % : such a path names nothing
  }
}

/**
 * The repository answers to its folder's name and to the path of the policy's push_url, each with or without `.git`.
 * Compared as whole strings against that small set.
 */
export function repositoryIds(gitDir: string, pushUrl: string | null): AnswersTo {
  const ids = new Set<string>();
  const add = (id: string): void => {
    const bare = id
      .replace(/^\//, '')
      .replace(/\/$/, '')
      .replace(/\.git$/, '');
    if (bare === '' || bare.startsWith('-') || bare.split('/').some((part) => part === '' || part === '.' || part === '..'))
      return;
    for (const form of [bare, `${bare}.git`]) ids.add(form).add(`/${form}`);
  };
  add(basename(gitDir));
  const pushPath = pushUrl === null ? undefined : pathOfUrl(pushUrl);
  if (pushPath !== undefined) add(pushPath);
  return (path) => ids.has(path);
}
