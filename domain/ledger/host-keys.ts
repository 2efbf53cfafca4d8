import { decodeLoose, utf8 } from '../git/bytes.js';

/** Where the Stargate's host keys are named, beside the policy in the published commit. */
export const HOST_KEYS_PATH = '.kv/host-keys';

/** A host key of the Stargate, as it is published and as its status has it. */
export interface NamedHostKey {
  /** As SSH names it, such as `ssh-ed25519`. */
  readonly type: string;
  /** As ssh shows it: `SHA256:…`. */
  readonly fingerprint: string;
  /** `next`: it takes over from the one of its type later. */
  readonly state: 'in-use' | 'next';
}

const LINE = /^(\S{1,100}) (SHA256:[A-Za-z0-9+/]{43}) (in-use|next)$/;

/** The file's bytes: a line `<type> <fingerprint> <state>` for each key. */
export function encodeHostKeys(keys: readonly NamedHostKey[]): Uint8Array {
  return utf8(keys.map(({ type, fingerprint, state }) => `${type} ${fingerprint} ${state}\n`).join(''));
}

/** Reads the file. Lines of another form are left out: a later version may have more to say. */
export function decodeHostKeys(bytes: Uint8Array): NamedHostKey[] {
  return decodeLoose(bytes)
    .split('\n')
    .flatMap((line) => {
      const [, type, fingerprint, state] = LINE.exec(line) ?? [];
      return type === undefined || fingerprint === undefined
        ? []
        : [{ type, fingerprint, state: state as NamedHostKey['state'] }];
    });
}
