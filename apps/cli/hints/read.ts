import type { Words } from './wording.js';

/** What to do about keys, states and watchlogs that can't be read. */
export const READING: Words<
  | 'allow-expired'
  | 'fetch-missing'
  | 'fetch-partial'
  | 'leave-offline-out'
  | 'list-keys'
  | 'list-keys-at'
  | 'look-into-epochs'
  | 'name-state'
  | 'name-transaction'
  | 'read-either-side'
  | 'read-elsewhere'
  | 'read-offline'
  | 'read-past-mirror'
  | 'read-stargate'
  | 'compare-watchlog'
  | 'set-up-mirror'
  | 'watch-from'
> = {
  'allow-expired': () => 'read it all the same with --allow-expired',
  'fetch-missing': () => 'run it without --offline, which fetches what is missing',
  'fetch-partial': () => 'run it once without --offline (or GIT_NO_LAZY_FETCH), so that it is fetched',
  'leave-offline-out': ({ oldest, time, epoch }) =>
    `the oldest that can be had is ${oldest} of ${time}; the epoch before, ${epoch}, is not in this clone: leave --offline out`,
  'list-keys': ({ ns }) => `see what there is: git kv --ns ${ns} list`,
  'list-keys-at': ({ ns, at }) => `see what there was: git kv --ns ${ns} list --at ${at}`,
  'look-into-epochs': () => 'look into earlier epochs too: --epochs',
  'name-state': () =>
    'git kv history KEY names commits and transactions; a time looks like 2027-01-31T12:00:00Z, "2h ago", or yesterday',
  'name-transaction': () =>
    'a transaction is named by its KV-Txn, such as 01K8ZVM3M0QJ3T0S6V9Q3D5N7R, or its last 8 characters or more, or by its ledger commit: git kv history KEY gives both',
  'read-either-side': () => 'read from the other side (--read-from=stargate, or mirror), and have git fsck run on this one',
  'read-elsewhere': () => 'check the address (git remote -v); to read without it: --read-from=stargate, or --offline',
  'read-offline': () => 'read what it has with --offline, or use a clone of your own',
  'read-past-mirror': () =>
    'read from the Stargate (--read-from=stargate), and tell its operator: git kv stargate sync names the refs (docs/OPERATIONS.md, "The mirror differs: sync")',
  'read-stargate': () => 'read it from the Stargate: --read-from=stargate; git kv verify --full says more',
  'compare-watchlog': () => 'a watchlog only grows: ask who wrote to the mirror, and compare with --read-from=stargate',
  'set-up-mirror': ({ remote }) => `add the mirror with git remote add ${remote} URL, then run git kv remote setup`,
  'watch-from': ({ oldest }) => `begin with that event by --since oldest, or after it by --since ${oldest}`,
};
