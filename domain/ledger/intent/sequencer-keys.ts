import type { PolicyKey } from '../../../ports/stargate/policy-reader.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';

/** Where the published commit names the keys with which ledger commits are signed that are made of intents, beside the policy. */
export const SEQUENCER_KEYS_PATH = '.kv/sequencer-keys';

/** The name under which such a key is shown. */
const NAME = 'sequencer';

/** The file's bytes: a line `<type> <base64>` for each key, the one in use first; those before it have signed what is older. */
export function encodeSequencerKeys(keys: readonly PolicyKey[]): Uint8Array {
  return utf8(keys.map(({ material }) => `${material}\n`).join(''));
}

/** Reads the file. Lines of another form are left out: a later version may have more to say. */
export function decodeSequencerKeys(bytes: Uint8Array): PolicyKey[] {
  return decodeLoose(bytes)
    .split('\n')
    .flatMap((line) => {
      const key = parseSshKey(line);
      return typeof key === 'string' ? [] : [sequencerKey(`${key.type} ${key.base64}`)];
    });
}

/** A sequencer's public key, `<type> <base64>`, as signatures are held against it. */
export const sequencerKey = (material: string): PolicyKey => ({ kind: 'ssh', material, name: NAME });
