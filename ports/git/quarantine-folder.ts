import { KvError } from '../error.js';

/** What the name of a quarantine begins with, as git names its own: what a crash leaves is then swept with git's. */
export const QUARANTINE_PREFIX = 'tmp_objdir-incoming-';

/** The name of a quarantine that git, of any version, or git-kv has made for objects that are about to come in. */
const NAME = /^(tmp_objdir-)?incoming-[A-Za-z0-9]+$/;

/** Whether a folder's name is one of a quarantine. */
export const isQuarantineName = (name: string): boolean => NAME.test(name);

/** `INPUT_INVALID` for a path that leads to no quarantine of the repository. */
export function notAQuarantine(path: string): KvError {
  return new KvError('INPUT_INVALID', `'${path}' is not a receive-pack quarantine of this repository`, {
    hint: 'pass the absolute path that git gives its hooks as GIT_QUARANTINE_PATH',
  });
}

/** `NOT_SUPPORTED` for a quarantine in front of a quarantine. */
export function noInnerQuarantine(): KvError {
  return new KvError('NOT_SUPPORTED', 'a quarantine has no quarantine of its own', { hint: 'open it on the repository itself' });
}

/** `NOT_SUPPORTED` for the taking over of a quarantine that is not ours. */
export function acceptedByGit(): KvError {
  return new KvError('NOT_SUPPORTED', 'git receive-pack takes its quarantine over by itself', { hint: 'let the hook succeed' });
}
