import { openProfile, type Profile } from '../../../plugins/host/index.js';
import type { CloneConfigWriter } from '../../../ports/clone/clone-config.js';
import { ownEnv } from '../process/environment.js';

/** Has a repository's own configuration say which profile it is served with, where no flag does. */
export async function sayProfile(gitDir: string, profile: string): Promise<void> {
  const adapters = { 'clone-config-writer': { use: 'git-cli', line: 1, wrap: [] } };
  const writer: Profile = { name: 'settings', file: 'settings', plugins: [], adapters };
  const composition = await openProfile(writer, { directory: gitDir, env: ownEnv() });
  try {
    await (await composition.get<CloneConfigWriter>('clone-config-writer')).set('stargate.profile', [profile]);
  } finally {
    await composition.close();
  }
}
