import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { PortName } from '../../../ports/tokens.js';
import { openToAll } from './open-to-all.js';
import { requireKeygen } from '../host-key/make-keys.js';
import { requireSameJournal } from '../journal/same-journal.js';
import { type Check, fault, ok, warning } from './check.js';

/** Opened without a lease, as a standby opens them: none of these writes anything. */
const HARMLESS: readonly PortName[] = [
  ...(['git-store', 'repository-host', 'repository-upkeep', 'bundle-archive', 'git-service'] as const),
  ...(['mirror-target', 'leader-lock', 'signature-verifier', 'hasher', 'clock', 'randomness', 'policy-reader'] as const),
];

/** There is a folder at all. Where there is none, nothing else need be said, and no line is of use where there is. */
export const PLACE: Check = {
  name: 'repository',
  async run({ gitDir }) {
    const there = await stat(gitDir).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return null;
      throw new KvError('CONFIG_INVALID', `cannot use ${gitDir}: ${cause.code}`, { cause });
    });
    if (there?.isDirectory() === true) return [];
    const hint = 'name the folder that git-kv-stargate init or restore has made';
    return [fault(new KvError('CONFIG_INVALID', `there is no repository at ${gitDir}`, { hint }))];
  },
};

/** The profile and its plugins: every name is known, every adapter opens with its configuration, and the journal is where it was. */
export const PROFILE: Check = {
  name: 'profile',
  async run({ composition, gitDir }) {
    const opened = await composition();
    for (const port of HARMLESS) await opened.get(port);
    await requireSameJournal(gitDir, opened.profile);
    const plugins = [...new Set(opened.activeAdapters().map(({ plugin }) => plugin))].filter((plugin) => plugin !== 'git-kv');
    const unusable = opened.failed.map(({ message, hint }) => warning(message, hint));
    return [ok([opened.profile.name, ...plugins].join(', ')), ...unusable];
  },
};

/** git, of a version that will do, and ssh-keygen. */
export const PROGRAMS: Check = {
  name: 'programs',
  needs: ['profile'],
  async run({ composition }) {
    await (await (await composition()).get<RepositoryHost>('repository-host')).checkPrograms();
    await requireKeygen();
    return [ok('git and ssh-keygen')];
  },
};

/** The repository is one of ours, can be read, and has the hooks of this version. */
export const REPOSITORY: Check = {
  name: 'repository',
  needs: ['profile', 'programs'],
  async run({ composition, gitDir }) {
    const opened = await composition();
    const host = await opened.get<RepositoryHost>('repository-host');
    await host.check();
    const refs = await (await opened.get<GitStore>('git-store')).refs(['refs/kv/']);
    const namespaces = refs.size === 1 ? '1 namespace' : `${refs.size} namespaces`;
    const hooks = (await host.hooksInPlace())
      ? []
      : [warning('its hooks are of another version: the next start writes them anew')];
    return [ok(`${gitDir}, ${namespaces}`), ...hooks];
  },
};

/** This user may write where a Stargate writes. */
export const PERMISSIONS: Check = {
  name: 'permissions',
  needs: ['repository'],
  async run({ gitDir, policyPath }) {
    const refused: string[] = [];
    for (const folder of ['', 'objects', 'refs', '.stargate', 'hooks']) {
      await access(join(gitDir, folder), constants.R_OK | constants.W_OK | constants.X_OK).catch(
        (error: NodeJS.ErrnoException) => {
          refused.push(`${join(gitDir, folder)} (${error.code})`);
        },
      );
    }
    const open = await openToAll(gitDir, policyPath);
    const strangers = open.map((file) => warning(`any user of this machine may change ${file}`, `chmod o-w ${file}`));
    if (refused.length === 0) return [ok('this user may write there'), ...strangers];
    const what = `this user can't write to ${refused.join(', ')}`;
    return [
      fault(
        new KvError('CONFIG_INVALID', what, { hint: 'run it as the owner of the repository, or give the folder to this user' }),
      ),
    ];
  },
};
