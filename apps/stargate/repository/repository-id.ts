import { basename } from 'node:path';
import { parseSshUrl } from '../../../ports/grammar/network/ssh-url.js';

/** Decides whether a client's path names the one repository that this daemon serves. */
export type AnswersTo = (path: string) => boolean;

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
  const pushPath = pushUrl === null ? undefined : parseSshUrl(pushUrl)?.path;
  if (pushPath !== undefined) add(pushPath);
  return (path) => ids.has(path);
}
