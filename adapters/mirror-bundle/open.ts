import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KvError, type MirrorTarget, type OpenAdapter, type SignatureVerifier } from '../../ports/index.js';
import { openBundleMirror } from './bundle-mirror.js';
import { Chain } from './chain.js';
import { commandDelivery } from './command-delivery.js';
import type { Config } from './config.js';
import { gitIn } from './git.js';
import { manifestKey } from './manifest-key.js';

export { Config } from './config.js';

/** Where the chain's writer remembers how far it is, and keeps what a command has not taken yet; from the repository's folder. */
const OWN = join('.stargate', 'mirror-bundle');

/**
 * Opens a mirror that is a chain of signed bundles, in a folder or for a command. Throws `CONFIG_INVALID` unless exactly one of the two
 * is named, and for a key that can't be read.
 */
export const open: OpenAdapter<Config, MirrorTarget> = async ({ folder, command, key }, { directory, env, get }) => {
  if ((folder === undefined) === (command === undefined)) {
    throw new KvError('CONFIG_INVALID', "mirror-bundle takes either a 'folder' or a 'command'", { hint: 'correct the profile' });
  }
  const own = resolve(directory, OWN);
  const git = gitIn(resolve(directory), env);
  const signer = await manifestKey(resolve(directory, key), env);
  const verifier = await get<SignatureVerifier>('signature-verifier');
  const outbox = folder === undefined ? join(own, 'outbox') : resolve(directory, folder);
  await mkdir(own, { recursive: true, mode: 0o700 });
  const chain = await Chain.open({ record: join(own, 'record.json'), outbox, git, signer, verifier });
  const deliver = command === undefined ? null : commandDelivery(command, env);
  return openBundleMirror({ chain, git, directory: resolve(directory), label: folder ?? `command ${command?.[0]}`, deliver });
};
