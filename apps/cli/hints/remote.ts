import type { Words } from './wording.js';

/** What to do about the remote, the Stargate behind it, and this program itself. */
export const REMOTE: Words<
  | 'adopt-mirror'
  | 'clone-anew'
  | 'compare-sides'
  | 'compare-host-key'
  | 'confirm-push-url'
  | 'correct-push-url'
  | 'debug'
  | 'host-key-changed'
  | 'name-bundle-key'
  | 'name-stargate'
  | 'overwrite-mirror'
  | 'push-to-leader'
  | 'report-bug'
  | 'see-commands'
  | 'see-namespaces'
  | 'set-push-url'
  | 'set-up-remote'
> = {
  'adopt-mirror': ({ ns }) =>
    `the Stargate was put back to an older state: an admin has it take over what the mirror has: git kv stargate sync --adopt --ns ${ns}`,
  'compare-sides': () => 'see which refs differ: git kv stargate sync',
  'overwrite-mirror': () =>
    'keep both sides (docs/OPERATIONS.md, "The mirror differs"), then let one win: an admin overwrites the mirror with git kv stargate sync --force',
  'clone-anew': ({ format }) =>
    `clone it anew: git init --object-format=${format} DIR, then git remote add and git kv remote setup in it`,
  'compare-host-key': ({ scan }) =>
    `ask an admin for the fingerprint (git-kv-stargate host-key show), then: git kv remote setup --fingerprint SHA256:…; by hand: compare ${scan} | ssh-keygen -lf -, then ${scan} >> ~/.ssh/known_hosts`,
  'confirm-push-url': () => "check the remote's pushurl; git kv remote setup takes it from the policy",
  'correct-push-url': () => 'start it, or correct the address: git kv remote setup --url URL',
  debug: () => 'run the command again with --debug',
  'host-key-changed': ({ fingerprint }) =>
    `somebody else may answer there, or the Stargate has a new key: ask an admin (git-kv-stargate host-key show), and if it is ${fingerprint}: git kv remote setup --fingerprint ${fingerprint}`,
  'name-bundle-key': ({ fingerprint }) =>
    `ask an admin of the Stargate for its host key (git-kv-stargate host-key show), and if it is ${fingerprint}: git kv mirror import DIR --fingerprint ${fingerprint}`,
  'name-stargate': () =>
    'add "stargate: { push_url: ssh://git@HOST/PATH.git }" to .kv/policy.yaml, or say it here: git kv remote setup --url URL',
  'push-to-leader': () => 'push to the leader: see git kv stargate status',
  'report-bug': () => 'this is a bug in git-kv: run the command again with --debug and report what it prints',
  'see-commands': () => 'it takes git push, git fetch, git archive and the git kv stargate verbs; there is no shell',
  'see-namespaces': () => 'see what there is: git kv stargate status',
  'set-push-url': () => 'set the pushurl to ssh://user@host:port/repository with `git kv remote setup --url`',
  'set-up-remote': () => 'run: git kv remote setup',
};
