import type { Words } from './wording.js';

/** What to do about epochs, and about what a verification has found or left out. */
export const VERIFYING: Words<
  | 'begin-epoch'
  | 'begin-epoch-first'
  | 'compact-again'
  | 'fetch-epochs'
  | 'fetch-intents'
  | 'fetch-watchlog'
  | 'fetch-watermark'
  | 'learn-policy'
  | 'verify-clone'
  | 'verify-epochs'
  | 'verify-full'
  | 'verify-manifest'
> = {
  'begin-epoch': () => 'begin an epoch with git kv epoch new',
  'begin-epoch-first': () => 'begin a new epoch first: git kv epoch new --label LABEL',
  'compact-again': () => 'run git kv compact again',
  'fetch-epochs': () => 'git kv history KEY --epochs fetches them',
  'fetch-intents': ({ ns }) =>
    `git fetch REMOTE '+refs/kv-intents/${ns}@*:refs/kv-tracking/mirror/kv-intents/${ns}@*' fetches them`,
  'fetch-watchlog': () => 'git kv watch --since oldest --once fetches what there is',
  'fetch-watermark': () => 'git kv wait asks the mirror for it',
  'learn-policy': () => 'git kv remote setup',
  'verify-clone': () => 'run git kv verify in this clone',
  'verify-epochs': () => '--full verifies those that are here',
  'verify-full': () => 'git kv verify --full says more',
  'verify-manifest': () => 'every chunk is sound, so the manifest is not: git kv verify --full says more',
};
