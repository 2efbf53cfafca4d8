import type { Limits } from '../../../ports/stargate/limits.js';

/** What follows for connections and commands from the bounds of the policy. */
export interface ConnectionBounds {
  /** Bytes that come before a login is over: a packet of one is small. */
  readonly bytesUnproven: number;
  /** So many connections of a network from which somebody has logged in are spared while they log in. */
  readonly sparedOfNetwork: number;
  /** How many connections those may have that only read. */
  readonly readers: number;
  /** How many commands they may have at work: the rest is for those who write. */
  readonly readerSessions: number;
  /** Unsent bytes above which a command's output waits for the client. */
  readonly unsentAhead: number;
}

/** A packet of a login is a few hundred bytes; the key exchange has some of a kilobyte. */
const PACKET_OF_LOGIN = 1024;

/** Bounds that follow from others. Half of what there is stays for readers, however much is kept from them. */
export function connectionBounds(limits: Limits): ConnectionBounds {
  const { connections, connectionsReserved, connectionsUnproven, packetsUnproven, sessions, pushes } = limits;
  return {
    bytesUnproven: packetsUnproven * PACKET_OF_LOGIN,
    sparedOfNetwork: Math.ceil(connectionsUnproven / 2),
    readers: connections - Math.min(connectionsReserved, Math.floor(connections / 2)),
    readerSessions: sessions - Math.min(pushes, Math.floor(sessions / 2)),
    unsentAhead: Math.floor(limits.unsent / 8),
  };
}
