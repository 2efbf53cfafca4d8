import type { OpenAdapter, SignatureVerifier } from '../../ports/index.js';
import { signatureVerifier } from './verifier.js';

export { signatureVerifier } from './verifier.js';

/** Opens a verifier; gpg is run only when an OpenPGP signature comes. */
export const open: OpenAdapter<undefined, SignatureVerifier> = async (_config, { env }) => signatureVerifier({ env });
