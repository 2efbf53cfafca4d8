import type { Connection } from 'ssh2';

/**
 * The parts of ssh2 1.17 that it keeps to itself and that a server needs all the same: everything of ours that touches them goes
 * through this file, and the tests of it show when another version has moved them.
 */
interface Protocol {
  /** Undefined unless a key exchange is under way. */
  readonly _kexinit: unknown;
  readonly _kex: {
    readonly sessionID: Buffer;
    readonly negotiated: { readonly serverHostKey: string };
    remoteExtInfoEnabled: boolean;
  };
  readonly _packetRW: {
    readonly write: { readonly allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
  readonly _handlers: { GLOBAL_REQUEST: GlobalRequestHandler };
  _onHandshakeComplete: (...args: unknown[]) => void;
  requestSuccess(data: Buffer): void;
  requestFailure(): void;
}

type GlobalRequestHandler = (protocol: unknown, name: string, wantReply: boolean, data: unknown) => void;

const protocolOf = (client: Connection): Protocol => (client as unknown as { _protocol: Protocol })._protocol;

/** What identifies a connection's first key exchange: what is signed in it can't be used in another. */
export const sessionId = (client: Connection): Buffer => protocolOf(client)._kex.sessionID;

/** The host-key algorithm of a connection's key exchange, such as `rsa-sha2-256`. */
export const hostKeyAlgorithm = (client: Connection): string => protocolOf(client)._kex.negotiated.serverHostKey;

/** Sends a message, from its type on. False, and nothing sent, while keys are being exchanged, when no message of ours may pass. */
export function sendMessage(client: Connection, payload: Buffer): boolean {
  const protocol = protocolOf(client);
  if (protocol._kexinit !== undefined) return false;
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  protocol._cipher.encrypt(write.finalize(packet));
  return true;
}

/**
 * Runs once, when a connection's first keys are agreed and nothing else has been sent under them, if the client understands
 * EXT_INFO (RFC 8308); ssh2's own EXT_INFO is left out then.
 */
export function insteadOfExtInfo(client: Connection, send: () => void): void {
  const protocol = protocolOf(client);
  const complete = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (...args) => {
    protocol._onHandshakeComplete = complete;
    const wanted = protocol._kex.remoteExtInfoEnabled;
    protocol._kex.remoteExtInfoEnabled = false;
    complete(...args);
    if (wanted) send();
  };
}

/** Answers the global requests of one name: with bytes, or with a refusal for null. All others go the way that they went before. */
export function answerGlobalRequest(client: Connection, name: string, answer: (data: Buffer) => Buffer | null): void {
  const protocol = protocolOf(client);
  const others = protocol._handlers.GLOBAL_REQUEST;
  protocol._handlers.GLOBAL_REQUEST = (self, asked, wantReply, data) => {
    if (asked !== name) return others(self, asked, wantReply, data);
    const reply = answer(Buffer.isBuffer(data) ? data : Buffer.alloc(0));
    if (!wantReply) return;
    if (reply === null) protocol.requestFailure();
    else protocol.requestSuccess(reply);
  };
}
