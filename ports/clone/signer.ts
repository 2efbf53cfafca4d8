import type { Endable } from '../git/git-remote.js';

/** Signs with the user's own Git signing configuration (`gpg.format`, `user.signingKey`). */
export interface Signer {
  /**
   * Gives the armoured detached signature over the payload, as it goes into a commit's `gpgsig` header.
   * Throws `CONFIG_INVALID` when no key is configured, `IO_ERROR` when the signing program fails.
   */
  sign(payload: Uint8Array, options?: Endable): Promise<string>;

  /**
   * The SSH public key that it signs with, as an authorized_keys line, as far as it knows without asking anybody; null when it can't say,
   * as of OpenPGP, or of a key that an agent alone has.
   */
  publicKey?(): Promise<string | null>;
}

/** A public key that a signature was made with. */
export interface SigningKey {
  readonly kind: 'ssh' | 'openpgp';
  /** SSH: `<type> <base64>` as in an authorized_keys line without its comment. OpenPGP: the primary key's fingerprint, upper-case hex. */
  readonly id: string;
}

/** Says who signed. It knows nothing of who may. */
export interface SignatureVerifier {
  /**
   * Verifies an armoured signature and gives the key that made it.
   * `trusted` are the keys that the caller would accept: an OpenPGP signature can only be checked against a key that is at hand.
   * `namespace` is what an SSH signature must have been made for, `git` unless it is given: one for another purpose is worth nothing here.
   * Throws `SIGNATURE_INVALID` when it doesn't verify or can't be read, `SIGNER_UNKNOWN` when the key is not at hand.
   */
  verify(payload: Uint8Array, signature: string, trusted: readonly TrustedKey[], namespace?: string): Promise<SigningKey>;
}

/** A key as a policy lists it. `material` is an authorized_keys line or an armoured OpenPGP public key block. */
export interface TrustedKey {
  readonly kind: 'ssh' | 'openpgp';
  readonly material: string;
}
