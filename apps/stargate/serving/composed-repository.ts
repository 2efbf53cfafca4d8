import { join, resolve } from 'node:path';
import { type Composition, type FoundPlugin, openProfile } from '../../../plugins/host/index.js';
import { toKvError } from '../../../ports/error.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { noteJournal } from '../backup/journal.js';
import { ownEnv } from '../process/environment.js';
import { requireSameJournal } from '../journal/same-journal.js';
import type { Log } from '../log/log.js';
import { StandIns } from '../plugins/stand-in.js';
import { chooseProfile, type ProfileChoice } from '../stargate-profile.js';

interface ComposeOptions {
  readonly repo: string;
  readonly choice: ProfileChoice;
  /** undefined: `<repo>/.kv/policy.yaml`. */
  readonly policyPath: string | undefined;
  readonly log: Log;
  /** Hears of each plugin before any of its code runs, and once its name is known. */
  readonly onPlugin?: ((plugin: FoundPlugin) => void) | undefined;
}

/** A repository that was found fit to be served, and the adapters to serve it with. */
export interface ComposedRepository {
  readonly gitDir: string;
  readonly policyPath: string;
  /** The profile's name. */
  readonly profile: string;
  readonly composition: Composition;
  /** Opens another set of adapters, of which a term has some of its own. Throws `CONFIG_INVALID` when the journal was moved meanwhile. */
  readonly openOwn: () => Promise<Composition>;
}

/** Composes what serves a repository, and looks whether it can be. Nothing is left open when it throws `CONFIG_INVALID` or `IO_ERROR`. */
export async function composeRepository({
  repo,
  choice,
  policyPath,
  log,
  onPlugin,
}: ComposeOptions): Promise<ComposedRepository> {
  const gitDir = resolve(repo);
  const profile = await chooseProfile(choice);
  const told = onPlugin === undefined ? {} : { onPlugin };
  const standIns = new StandIns(log);
  const open = () => openProfile(profile, { directory: gitDir, env: ownEnv(), standIn: standIns.standIn, ...told });
  const composition = await open();
  for (const { message, hint } of composition.failed) log.warn('plugin.failed', { message, hint });
  try {
    const repository = await composition.get<RepositoryHost>('repository-host');
    await repository.check(); // hooks of another version are written anew once this one leads; foreign ones are refused now
    await requireSameJournal(gitDir, profile);
    // What a backup has to know. Without room it is told at the next start.
    await noteJournal(gitDir, profile).catch((error: unknown) =>
      log.warn('journal.unnoted', { message: toKvError(error).message }),
    );
  } catch (error) {
    await composition.close();
    throw error;
  }
  return {
    ...{ gitDir, composition, profile: profile.name, policyPath: policyPath ?? join(gitDir, '.kv', 'policy.yaml') },
    async openOwn() {
      await requireSameJournal(gitDir, profile); // it may have been moved while this one stood by
      const own = await open();
      standIns.spare(own);
      return own;
    },
  };
}
