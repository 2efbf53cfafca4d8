import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HOST_KEY_KINDS, keyFile, keyFolder, nextKeyFile } from '../host-key/key-files.js';
import { SEQUENCER_KEY } from '../intents/sequencer-key.js';
import type { Log } from '../log/log.js';

const ANYBODY_WRITES = 0o002;
/** In such a folder, nobody replaces the files of others. */
const STICKY = 0o1000;

/**
 * What decides who may write, and that any user of this machine may change: the policy, a host key, the sequencer's key, a hook, or a folder of these, in which
 * it could be replaced.
 */
export async function openToAll(gitDir: string, policyPath: string): Promise<readonly string[]> {
  const keys = HOST_KEY_KINDS.flatMap((kind) => [keyFile(keyFolder(gitDir), kind), nextKeyFile(keyFolder(gitDir), kind)]);
  const hooks = ['pre-receive', 'proc-receive'].map((name) => join(gitDir, 'hooks', name));
  const paths = [
    gitDir,
    policyPath,
    dirname(policyPath),
    keyFolder(gitDir),
    ...keys,
    join(gitDir, SEQUENCER_KEY),
    join(gitDir, 'hooks'),
    ...hooks,
  ];
  const open = await Promise.all(
    [...new Set(paths)].map(async (path) => {
      const found = await stat(path).catch(() => null); // not there, or told by whoever needs it
      if (found === null || (found.mode & ANYBODY_WRITES) === 0) return [];
      return found.isDirectory() && (found.mode & STICKY) !== 0 ? [] : [path];
    }),
  );
  return open.flat();
}

/** Says it in the log, a line each. */
export async function warnOfOpenFiles(gitDir: string, policyPath: string, log: Log): Promise<void> {
  for (const file of await openToAll(gitDir, policyPath)) {
    log.warn('file.open-to-all', { file, message: 'any user of this machine may change it', hint: `chmod o-w ${file}` });
  }
}
