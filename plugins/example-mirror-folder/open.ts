import { resolve } from 'node:path';
import { IsNotEmpty, IsString } from 'class-validator';
import type { MirrorTarget, OpenAdapter } from '../../ports/index.js';
import { openFolderMirror } from './folder-mirror.js';

export { type FolderMirrorOptions, openFolderMirror } from './folder-mirror.js';

/** Where the mirror lies. */
export class Config {
  /** Where the mirror lies, from the Stargate's repository; made when it isn't there. */
  @IsString()
  @IsNotEmpty()
  folder!: string;
}

/** Opens the mirror, whose repository is made when it isn't there. */
export const open: OpenAdapter<Config, MirrorTarget> = ({ folder }, { directory, env }) =>
  openFolderMirror({ directory, folder: resolve(directory, folder), env });
