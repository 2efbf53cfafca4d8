import { IsBoolean, IsString, Matches } from 'class-validator';
import type { MirrorTarget, OpenAdapter } from '../../ports/index.js';
import { openGitMirror } from './git-mirror.js';

export { type GitMirrorOptions, openGitMirror } from './git-mirror.js';

/** Where the mirror is, and what it takes. */
export class Config {
  /** The remote in the Stargate's repository that leads to the mirror. */
  @IsString()
  @Matches(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, { message: 'must be the name of a remote' })
  remote = 'github-origin';

  /** False for a host that refuses `git push --atomic`; the watermark then follows in a push of its own. */
  @IsBoolean()
  atomic = true;
}

/** Opens the mirror that a remote of the repository leads to. Throws `CONFIG_INVALID` when there is no such remote. */
export const open: OpenAdapter<Config, MirrorTarget> = ({ remote, atomic }, { directory, env }) =>
  openGitMirror({ directory, env, remote, atomic });
