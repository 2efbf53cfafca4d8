import { join } from 'node:path';
import { readKept, writeKept } from '../repository/kept-file.js';
import { newPrivateKey, type OwnKey, ownKey } from '../../ssh-signature.js';

/** Where the key lies with which ledger commits are signed that are made of intents, from the repository's folder. */
export const SEQUENCER_KEY = join('.stargate', 'sequencer-key');

/**
 * Opens the key of a repository's sequencer; the first leader makes it. Throws `CONFIG_INVALID` for a file that holds none,
 * `STORAGE_FULL`, `IO_ERROR`.
 */
export async function openSequencerKey(gitDir: string): Promise<OwnKey> {
  const file = join(gitDir, SEQUENCER_KEY);
  const kept = await readKept(file);
  if (kept !== null) return ownKey(kept);
  const made = newPrivateKey();
  await writeKept(file, made);
  return ownKey(made);
}
