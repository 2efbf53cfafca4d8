import { type GitPlace, runGit } from '../process/run-git.js';

/** The URL that git goes to: `url.<base>.insteadOf` applies to a push as well. */
export async function rewritten(place: GitPlace, url: string): Promise<string> {
  const { code, stdout } = await runGit(place, ['ls-remote', '--get-url', '--end-of-options', url]);
  return code === 0 ? stdout.toString('utf8').replace(/\n$/, '') : url;
}
