import type { Words } from './wording.js';

/** What to do about a write that was refused, before it was pushed or by the Stargate. */
export const WRITING: Words<
  | 'begin-namespace'
  | 'begin-reality'
  | 'try-again-in-reality'
  | 'write-first'
  | 'export-files'
  | 'fetch-index'
  | 'fetch-policy'
  | 'look-for-transaction'
  | 'give-ttl'
  | 'import-formats'
  | 'mset-files'
  | 'name-content-type'
  | 'read-key-again'
  | 'read-tree-again'
  | 'restore-keys'
  | 'revert-by-key'
  | 'skip-landed'
  | 'store-file'
  | 'wait-longer'
  | 'configure-signing'
  | 'name-repository'
  | 'push-atomically'
  | 'push-pair'
  | 'write-again-here'
  | 'write-attested'
  | 'write-less'
  | 'write-through-client'
> = {
  'begin-namespace': ({ ns, remote }) =>
    `this clone has no remote: git remote add ${remote} URL && git kv remote setup; to begin without one: ${firstWrite(ns)}`,
  'begin-reality': ({ ns, name }) =>
    `git kv --ns ${ns} reality list shows those that there are; begin it: git kv --ns ${ns} reality new ${name}`,
  'try-again-in-reality': ({ ns, name }) =>
    `see what they are now (git kv --ns ${ns} reality diff ${name} --now), and try the change again in a new reality`,
  'write-first': ({ ns }) => `the first write creates it: ${firstWrite(ns)}`,
  'export-files': () => 'write large values to files beside the snapshot: --files DIR',
  'fetch-index': () => 'fetch it: git kv list --read-from=stargate --limit 1',
  'fetch-policy': () => 'fetch the policy (git kv remote setup) and set the key again: git kv then adds the default TTL',
  'look-for-transaction': ({ ns, txn }) =>
    `when the Stargate answers again, look for ${txn} in: git kv --ns ${ns} watch --once --read-from=stargate`,
  'give-ttl': () => 'give it one with --ttl WHEN, or --ttl none for none',
  'import-formats': () =>
    'import takes what these write: git kv snapshot --export, consul kv export, etcdctl get --prefix -w json; and the lines of git kv mset',
  'mset-files': () => 'give large values as files: git kv mset takes {"op":"set","key":…,"file":…}',
  'name-content-type': () => 'for example --ctype application/json',
  'read-key-again': () => 'read the key again (git kv get KEY --json) and decide again',
  'read-tree-again': () => 'read the newest state (git kv get KEY --json gives its tree) and decide again',
  'restore-keys': () => 'an epoch is not undone; restore KEY --at puts single keys back',
  'revert-by-key': () => 'see who changed them (git kv history KEY), and put back what you want with git kv restore KEY --at',
  'skip-landed': ({ landed }) => `go on with the same command and --skip ${landed}`,
  'store-file': () => 'store the file itself: git kv set KEY FILE',
  'wait-longer': () =>
    'see why with: git kv stargate status; wait longer with --timeout; or read from the Stargate with --read-from=stargate',
  'configure-signing': () => 'set user.signingKey and gpg.format, as docs/ERRORS.md shows, and write through git kv',
  'name-repository': () =>
    'fetch the policy (git kv remote setup) and write again: git kv then names the repository; an older git kv is to be updated',
  'push-atomically': () => 'write through git kv, or push with --atomic',
  'push-pair': ({ ns }) => `push refs/kv/${ns} and refs/kv-index/${ns} with --atomic, or write through git kv`,
  'write-again-here': () => 'write the values again here, through git kv: what is signed for one repository counts in no other',
  'write-attested': () => 'write through git kv, which adds the trailers of docs/FORMAT.md',
  'write-less': () => 'write through git kv, and less at a time',
  'write-through-client': () => 'write through git kv, or compare with docs/FORMAT.md',
};

const firstWrite = (ns: string): string => `git kv --ns ${ns} set KEY VALUE`;
