import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { PolicyOrigin } from '../../../domain/gateway/commit/policy-ref.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';

/** Why a policy file was read. */
export type PolicyReason = 'start' | 'file changed' | 'hang-up';

/**
 * What is known of who changed the policy's file. No system tells which process wrote a file: whose file it is, since when it is as it
 * is, who runs the Stargate that took it, and, where its folder is a Git work tree in which it is committed as it stands, by whom.
 */
export async function policyOrigin(
  path: string,
  reason: PolicyReason,
  host: Pick<RepositoryHost, 'committerOf'>,
): Promise<PolicyOrigin> {
  const file = await stat(path).catch(() => null); // replaced at this moment: the next look tells more
  const commit = await host.committerOf(path).catch(() => null); // no git, or none that may look there
  const { uid, username } = userInfo();
  return [
    ['Reason', reason],
    ...(file === null
      ? []
      : ([
          ['File-Owner', await shownUser(file.uid)],
          ['File-Modified', file.mtime.toISOString()],
        ] as const)),
    ...(commit === null
      ? []
      : ([
          ['Author', commit.author],
          ['Commit', commit.oid],
        ] as const)),
    ['Loaded-By', uid < 0 ? username : `${username} (uid ${uid})`],
  ];
}

/** A user by name, where this machine lists it, and number. */
async function shownUser(uid: number): Promise<string> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => ''); // users are kept elsewhere
  const name = users
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , number]) => number === String(uid))?.[0];
  return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`;
}
