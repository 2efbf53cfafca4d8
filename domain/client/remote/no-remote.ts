import { KvError } from '../../../ports/error.js';

/** `CONFIG_INVALID` for a remote whose push URL leads to no Stargate. */
export function notSetUp(remote: string): KvError {
  return new KvError('CONFIG_INVALID', `remote ${remote} has no push URL that leads to a Stargate`, {
    hint: 'set the remote up first',
    advice: { id: 'set-up-remote' },
  });
}

/** `CONFIG_INVALID` for a remote that is not configured. */
export function noRemote(remote: string): KvError {
  return new KvError('CONFIG_INVALID', `this repository has no remote ${remote}`, {
    hint: `add the mirror first: git remote add ${remote} URL`,
  });
}
