import { appendFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { IsNotEmpty, IsString } from 'git-kv/config';
import { KvError, type MirrorTarget, type OpenAdapter } from 'git-kv/ports';

/** What a profile may say under `config:`; anything else is an error with file and line. */
export class Config {
  /** Where pushes are written down, from the repository's folder. */
  @IsString()
  @IsNotEmpty()
  file = 'pushes.log';
}

/** git's own push, of which every success is written down, a line each. */
export const open: OpenAdapter<Config, MirrorTarget> = async ({ file }, context) => {
  const git = await context.open<MirrorTarget>('mirror-target', 'mirror-git');
  const path = resolve(context.directory, file);
  return {
    capabilities: git.capabilities,
    label: `${git.label}, logged`,
    wraps: git,
    async push(updates, signal) {
      await git.push(updates, signal);
      const refs = updates.map(({ ref }) => ref).join(' ');
      await appendFile(path, `${refs}\n`).catch((cause: unknown) => {
        throw new KvError('IO_ERROR', `cannot write ${path}`, { cause, hint: 'check the disk' });
      });
    },
    refs: (patterns, signal) => git.refs(patterns, signal),
    fetch: (pairs) => git.fetch(pairs),
    close: () => git.close(),
  };
};
