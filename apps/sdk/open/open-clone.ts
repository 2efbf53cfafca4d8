import { resolve } from 'node:path';
import { interrupted } from '../../../domain/client/clone/calls/cancellation.js';
import { waitingWords } from '../../../domain/client/remote/patience.js';
import { withObjectMemory } from '../../../domain/git/object-memory.js';
import { toKvError } from '../../../ports/error.js';
import type { Clone, OpenCloneOptions } from '../api/clone.js';
import { openSession, type Session } from '../session/session.js';
import { cloneOf } from './clone-of.js';
import { freshnessOf, optionsOf, wrong } from './options.js';

/**
 * Opens a clone. Throws `GIT_ERROR` where there is no repository, `CONFIG_INVALID` for configuration or a profile that can't be meant,
 * `PLUGIN_INVALID`, `USAGE`, and `INTERRUPTED` when the signal fires.
 *
 * @example
 * await using clone = await openClone({ directory: '/srv/config', maxAge: 5000 });
 * const color = (await clone.get('cfg:color')).text();
 */
export async function openClone(options: OpenCloneOptions): Promise<Clone> {
  const { directory, profile, env = process.env, ns, reality, offline, maxAge, readFrom, onWarning, signal } = optionsOf(options);
  if (typeof directory !== 'string' || directory === '') throw wrong('directory', "a folder's path");
  freshnessOf({ maxAge, readFrom }, { ns: '' });
  const unlessFired = (): void => {
    if (signal?.aborted === true) throw interrupted();
  };
  unlessFired();
  const warn = (text: string): void => onWarning?.(text);
  let session: Session;
  try {
    session = await openSession({
      ...{ directory: resolve(directory), profile, ns, reality, env: { ...env }, offline: offline === true },
      onProgress: undefined,
      onWait: (busy) => warn(waitingWords(busy)),
      onMirrorRefusal: (refused, { since, code }) =>
        warn(`the mirror has refused namespace ${refused} since ${since} (${code}): what it shows may be old`),
      onWarning: warn,
      aroundStore: withObjectMemory,
    });
  } catch (error) {
    throw toKvError(error);
  }
  try {
    unlessFired();
    return await cloneOf(session, { ns: session.ns, offline, maxAge, readFrom });
  } catch (error) {
    await session.composition.close();
    throw error;
  }
}
