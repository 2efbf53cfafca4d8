import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Limits } from '../../ports/stargate/limits.js';

/** How many connections a listener has, and how long one may take to say what it wants. */
export interface CrowdBounds {
  readonly connections: number;
  /** From one address. */
  readonly connectionsPerAddress: number;
  /** From a connection's first byte of a request to the end of its headers, milliseconds. */
  readonly headersTimeout: number;
}

/** The bounds on HTTP connections under a policy. */
export function crowdBounds({ httpConnections, httpConnectionsPerAddress, httpHeadersTimeout }: Limits): CrowdBounds {
  return {
    connections: httpConnections,
    connectionsPerAddress: httpConnectionsPerAddress,
    headersTimeout: httpHeadersTimeout,
  };
}

interface Guest {
  readonly socket: Socket;
  readonly address: string;
  /** Requests of which the headers have come, and the answer has not gone. */
  atHand: number;
  /** An answer has gone over it: whoever is there keeps to the protocol. */
  served: boolean;
}

/**
 * Keeps a server's connections within bounds without turning newcomers away: at a bound, the oldest connection that nothing is being done
 * for goes in favour of the newcomer, of the address that has the most, and first one that has never asked anything whole. So whoever asks
 * at once is answered, however many others begin requests and don't end them. `bounds` is asked for each connection.
 */
export function boundCrowd(server: Server, bounds: () => CrowdBounds): void {
  /** In the order in which they came, or had their last answer. */
  const guests = new Map<Socket, Guest>();
  const perAddress = new Map<string, number>();
  const leave = ({ socket, address }: Guest): void => {
    if (!guests.delete(socket)) return;
    const left = (perAddress.get(address) ?? 1) - 1;
    if (left > 0) perAddress.set(address, left);
    else perAddress.delete(address);
  };
  const drop = (guest: Guest): void => {
    leave(guest); // at once, and not when the socket has closed: the newcomer counts now
    guest.socket.destroy();
  };

  server.prependListener('connection', (socket: Socket) => {
    const { connections, connectionsPerAddress, headersTimeout } = bounds();
    server.headersTimeout = headersTimeout;
    const guest: Guest = { socket, address: socket.remoteAddress ?? '', atHand: 0, served: false };
    guests.set(socket, guest);
    perAddress.set(guest.address, (perAddress.get(guest.address) ?? 0) + 1);
    socket.once('close', () => leave(guest));
    if ((perAddress.get(guest.address) ?? 0) > connectionsPerAddress) drop(leastWanted(guests.values(), guest, guest.address, 2));
    else if (guests.size > connections) drop(leastWanted(guests.values(), guest, busiest(perAddress), 4));
  });
  server.on('request', ({ socket }, response) => {
    const guest = guests.get(socket);
    if (guest === undefined) return;
    guest.atHand += 1;
    response.once('close', () => {
      guest.atHand -= 1;
      guest.served = true;
      if (guests.delete(socket)) guests.set(socket, guest);
    });
  });
}

/**
 * Who goes for a newcomer: the first of the lowest rank, which is below `worst`; from the address they are 0 and 1, from others 2 and 3.
 * The newcomer itself where something is being done for all of them.
 */
function leastWanted(guests: Iterable<Guest>, newcomer: Guest, address: string, worst: number): Guest {
  let found: Guest | undefined;
  let rank = worst;
  for (const guest of guests) {
    if (guest.atHand > 0 || guest === newcomer) continue;
    const its = (guest.address === address ? 0 : 2) + (guest.served ? 1 : 0);
    if (its < rank) [found, rank] = [guest, its];
  }
  return found ?? newcomer;
}

function busiest(perAddress: ReadonlyMap<string, number>): string {
  let [most, found] = [0, ''];
  for (const [address, count] of perAddress) if (count > most) [most, found] = [count, address];
  return found;
}
