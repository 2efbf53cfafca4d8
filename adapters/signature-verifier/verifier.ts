import { KvError } from '../../ports/error.js';
import type { SignatureVerifier } from '../../ports/clone/signer.js';
import { isOpenPgpSignature, OpenPgpVerifier } from './openpgp.js';
import type { Environment } from './openpgp.js';
import { isSshSignature, verifySshSignature } from './sshsig.js';

/** Verifies SSH signatures in this process, OpenPGP ones with gpg (`NOT_SUPPORTED` where there is none). */
export function signatureVerifier({ env }: { readonly env: Environment }): SignatureVerifier {
  const openPgp = new OpenPgpVerifier(env);
  return {
    async verify(payload, signature, trusted, namespace) {
      if (isSshSignature(signature)) return verifySshSignature(payload, signature, namespace);
      if (isOpenPgpSignature(signature)) {
        return openPgp.verify(
          payload,
          signature,
          trusted.filter((key) => key.kind === 'openpgp').map((key) => key.material),
        );
      }
      throw new KvError('SIGNATURE_INVALID', 'the signature is neither an SSH nor an OpenPGP signature', {
        hint: 'set gpg.format to ssh or openpgp and sign again',
      });
    },
  };
}
