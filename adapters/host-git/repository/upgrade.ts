import { isOutOfSpace, KvError, type Upgraded } from '../../../ports/index.js';
import type { Hosted } from '../process/hosted.js';
import { runGit } from '../process/run-git.js';
import { otherHooks, writeHooks } from './hooks.js';
import { GIT_SETTINGS } from './settings.js';

/** Without it git moves the refs itself, past the journal. What else an operator has chosen stays. */
const NEVER_OTHERWISE = 'receive.procReceiveRefs';

/**
 * Brings a repository that another version made, or that somebody has touched, to this version's hooks and settings.
 * For the leader alone: hooks and daemon must be of one version. Throws `CONFIG_INVALID` for a hook that is not ours, or that can't be written.
 */
export async function upgradeRepository(hosted: Hosted): Promise<Upgraded> {
  const { gitDir, ownEnv: env } = hosted;
  const hooks = await otherHooks(gitDir);
  const settings = await otherSettings(hosted);
  try {
    await writeHooks(gitDir, hooks);
    for (const [name, value] of settings) await runGit(['--git-dir', gitDir, 'config', '--replace-all', name, value], { env });
  } catch (cause) {
    if (isOutOfSpace(cause)) {
      throw new KvError('STORAGE_FULL', `cannot bring ${gitDir} to this version: ${(cause as Error).message}`, {
        cause,
        hint: 'free some disk space: the Stargate tries again by itself',
      });
    }
    throw new KvError('CONFIG_INVALID', `cannot bring ${gitDir} to this version: ${(cause as Error).message}`, {
      cause,
      hint: 'run as the owner of the repository, and make its hooks and its config writable for that user',
    });
  }
  return { hooks, settings: settings.map(([name]) => name) };
}

async function otherSettings({ gitDir, ownEnv: env }: Hosted): Promise<(readonly [name: string, value: string])[]> {
  const values = new Map<string, string[]>();
  for (const entry of (await runGit(['--git-dir', gitDir, 'config', '--local', '--list', '-z'], { env })).split('\0')) {
    const [name = '', ...rest] = entry.split('\n');
    values.set(name, [...(values.get(name) ?? []), rest.join('\n')]);
  }
  return GIT_SETTINGS.filter(([name, value]) => {
    const found = values.get(name.toLowerCase());
    return found === undefined || (name === NEVER_OTHERWISE && (found.length !== 1 || found[0] !== value));
  });
}
