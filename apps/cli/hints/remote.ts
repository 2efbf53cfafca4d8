import type { Words } from './wording.js';

/** What to do about the remote, the Stargate behind it, and this program itself. */
export const REMOTE: Words<
  | 'clone-anew'
  | 'compare-host-key'
  | 'correct-push-url'
  | 'debug'
  | 'name-stargate'
  | 'push-to-leader'
  | 'report-bug'
  | 'see-namespaces'
  | 'set-push-url'
  | 'set-up-remote'
> = {
  'clone-anew': ({ format }) =>
    `clone it anew: git init --object-format=${format} DIR, then git remote add and git kv remote setup in it`,
  'compare-host-key': ({ scan }) =>
    `compare ${scan} | ssh-keygen -lf - with what git-kv-stargate init printed, then: ${scan} >> ~/.ssh/known_hosts`,
  'correct-push-url': () => 'start it, or correct the address: git kv remote setup --url URL',
  debug: () => 'run the command again with --debug',
  'name-stargate': () =>
    'add "stargate: { push_url: ssh://git@HOST/PATH.git }" to .kv/policy.yaml, or say it here: git kv remote setup --url URL',
  'push-to-leader': () => 'push to the leader: see git kv stargate status',
  'report-bug': () => 'this is a bug in git-kv: run the command again with --debug and report what it prints',
  'see-namespaces': () => 'see what there is: git kv stargate status',
  'set-push-url': () => 'set the pushurl to ssh://user@host:port/repository with `git kv remote setup --url`',
  'set-up-remote': () => 'run: git kv remote setup',
};
