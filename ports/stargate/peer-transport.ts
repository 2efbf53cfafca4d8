/** The version of what servers say to each other. Versions one apart understand each other: a field that is not known is passed over. */
export const PEER_PROTOCOL = 1;

/** The longest body of a request or of an answer, bytes. What is longer goes as a stream. */
export const MAX_PEER_BODY = 32 * 1024 * 1024;

/** The name of whoever asks on an operator's behalf: no server has it. */
export const PEER_OPERATOR = 'operator';

/** What a topic is called. */
export const PEER_TOPIC = /^[a-z][a-z0-9-]{0,31}$/;

/** One request of a server to another. */
export interface PeerRequest {
  /** What it is about: each topic has a receiver of its own, which knows the body. */
  readonly topic: string;
  /** The repository, `owner/name`; empty where it is about the server. */
  readonly repository: string;
  readonly body: Uint8Array;
  /** Whatever is large, such as a pack. */
  readonly stream?: AsyncIterable<Uint8Array>;
}

/** What a server answers. */
export interface PeerAnswer {
  readonly body: Uint8Array;
  readonly stream?: AsyncIterable<Uint8Array>;
}

/** A request that has come. Its stream is empty where none was sent; it throws `IO_ERROR` where it broke off, `PEER_REFUSED` where it was changed. */
export interface ReceivedRequest extends Required<PeerRequest> {
  /** Who asks: a name that was proved. */
  readonly from: string;
}

/** An answer that has come. Its stream is to be read to its end, or left by `return`. */
export type ReceivedAnswer = Required<PeerAnswer>;

/** Answers requests. A KvError that it throws is told to whoever asked, as it is; anything else as `UNEXPECTED`. */
export type PeerHandler = (request: ReceivedRequest) => Promise<PeerAnswer>;

/** Why two servers don't take each other for members of one cluster: `details.reason` of `PEER_REFUSED`. */
export const PEER_REFUSALS = [
  'cluster', //     it is of a cluster of another name
  'key', //         it knows none of this cluster's keys, or its certificate is another server's
  'clock', //       its clock is too far from this one's
  'replayed', //    the very same request has come before
  'frame', //       what has come is not what the protocol says, or was changed on its way
  'version', //     its protocol is more than one version away
  'self', //        it calls itself by this server's name
  'name', //        it is not the server that was asked for
  'plain', //       it would be spoken to unencrypted, outside of the trusted networks
] as const;

/** One of the reasons. */
export type PeerRefusal = (typeof PEER_REFUSALS)[number];

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** How long the answer's body may take, ms; else until the other side has given no sign of life for as long as the transport waits. */
  readonly withinMs?: number;
}

/** What a transport promises. */
export interface PeerTransportCapabilities {
  /** Whoever calls, and whoever answers, has proved to be of the cluster. */
  readonly authenticated: boolean;
}

/**
 * How the servers of one cluster speak to each other: requests with an answer, each of which may carry a stream.
 *
 * Promised: a request that a handler sees comes from a server of the same cluster, under the name that it says, and is what that server has
 * sent; no request is seen twice while its time is within the clocks' tolerance; a peer that accepts and says nothing is given up, but not one
 * whose answer has a stream that takes its time to begin.
 *
 * Not promised: that a request whose call has failed was not handled; that requests come in the order they were made.
 */
export interface PeerTransport {
  readonly capabilities: PeerTransportCapabilities;
  /** This server's name in its cluster. */
  readonly self: string;
  /** Every server whose address is known, this one too, in order. */
  readonly servers: readonly string[];
  /**
   * Asks a server. Throws `NOT_FOUND` for one whose address is not known, `IO_ERROR` when it can't be reached, breaks off or is silent,
   * `PEER_REFUSED` where one of the two refuses the other (`details.reason`, a `PeerRefusal`), `INPUT_INVALID` for a body that is too long,
   * `INTERRUPTED` by its signal; and whatever the other side's handler throws.
   */
  call(to: string, request: PeerRequest, options?: CallOptions): Promise<ReceivedAnswer>;
  /** Takes requests from now on. Once. Throws `IO_ERROR` when it can't listen, `CONFIG_INVALID` when it must not there. */
  serve(handler: PeerHandler): Promise<void>;
  /** Where requests are taken, for people and for tests; null before `serve`. */
  readonly address: string | null;
  /** From now on that server is at this address, for one that is to join. Throws `CONFIG_INVALID` for none that may be used. */
  meet(server: string, address: string): void;
  /** Stops taking requests, ends those under way, closes connections. Idempotent. */
  close(): Promise<void>;
}

/** What a peer's messages are to be read from, when there are none. */
export async function* noStream(): AsyncIterable<Uint8Array> {
  // Nothing comes.
}
