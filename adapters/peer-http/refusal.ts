import { KvError, type PeerRefusal } from '../../ports/index.js';

/** Why the two servers don't take each other for members of one cluster. */
export function refusal(reason: PeerRefusal, message: string, hint?: string): KvError {
  return new KvError('PEER_REFUSED', message, { details: { reason }, ...(hint === undefined ? {} : { hint }) });
}

/** What is told of bytes that are not what the protocol says. */
export const badFrame = (what: string): KvError => refusal('frame', `what a peer sent is no message of the protocol: ${what}`);
