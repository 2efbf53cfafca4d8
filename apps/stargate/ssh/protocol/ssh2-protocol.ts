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
  readonly _handlers: {
    GLOBAL_REQUEST: GlobalRequestHandler;
    CHANNEL_OPEN: Handler;
    CHANNEL_REQUEST: Handler;
    CHANNEL_DATA: DataHandler;
    CHANNEL_EXTENDED_DATA: DataHandler;
  };
  /** Called for each packet under keys that are agreed, before it is looked at. */
  _onPacket: () => void;
  _onHandshakeComplete: (...args: unknown[]) => void;
  requestSuccess(data: Buffer): void;
  requestFailure(): void;
}

type GlobalRequestHandler = (protocol: unknown, name: string, wantReply: boolean, data: unknown) => void;

type Handler = (protocol: unknown, ...args: unknown[]) => void;
type DataHandler = (protocol: unknown, channel: number, data: Buffer, ...rest: unknown[]) => void;

/** What a channel may still be sent: ssh2 counts it down, and doesn't look at it. */
interface Incoming {
  window: number;
}

/** A session's channel is made when a command is asked for, of what the session has by then. */
interface Channels {
  get(
    id: number,
  ):
    | { readonly incoming?: Incoming; readonly _channel?: unknown; readonly _chanInfo?: { readonly incoming: Incoming } }
    | undefined;
}

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

/** Whether keys are being exchanged: what is sent meanwhile is kept in memory until they are agreed. */
export const isExchangingKeys = (client: Connection): boolean => protocolOf(client)._kexinit !== undefined;

/** Hears of each packet that comes under agreed keys, before it is looked at. */
export function onPacket(client: Connection, hear: () => void): void {
  const protocol = protocolOf(client);
  const before = protocol._onPacket;
  protocol._onPacket = () => {
    before();
    hear();
  };
}

/** Hears of each request that is for the connection or for a channel, and of each channel that is to be opened, before it is answered. */
export function onRequest(client: Connection, hear: () => void): void {
  const handlers = protocolOf(client)._handlers as Record<string, Handler>;
  for (const name of ['GLOBAL_REQUEST', 'CHANNEL_OPEN', 'CHANNEL_REQUEST']) {
    const answer = handlers[name] as Handler;
    handlers[name] = (...args) => {
      hear();
      answer(...args);
    };
  }
}

/**
 * Holds what comes for a channel against the window that the client was given, which ssh2 doesn't. `broken` is called for more than that,
 * and for what is meant for no channel; it goes no further then.
 */
export function onBrokenWindow(client: Connection, broken: () => void): void {
  const handlers = protocolOf(client)._handlers;
  const { _chanMgr: channels } = client as unknown as { _chanMgr: Channels };
  const { CHANNEL_DATA: take } = handlers;
  const room = (id: number): Incoming | undefined => {
    const channel = channels.get(id);
    return channel?.incoming ?? channel?._chanInfo?.incoming;
  };
  handlers.CHANNEL_DATA = (self, id, data) => {
    const incoming = room(id);
    if (incoming === undefined || data.length > incoming.window) return broken();
    const session = channels.get(id);
    // Before its command there is nobody to take it: ssh2 drops it, and doesn't count it.
    if (session?.incoming === undefined && session?._channel === undefined) incoming.window -= data.length;
    else take(self, id, data);
  };
  // The protocol has a place for it, as a server's standard error; what a client sends counts all the same.
  handlers.CHANNEL_EXTENDED_DATA = (_self, id, data) => {
    const incoming = room(id);
    if (incoming === undefined || data.length > incoming.window) return broken();
    incoming.window -= data.length;
  };
}
