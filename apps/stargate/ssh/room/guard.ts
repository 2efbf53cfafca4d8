import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { connectionBounds } from '../../../../domain/gateway/limits/connection-limits.js';
import type { Limits } from '../../../../ports/stargate/limits.js';
import { onBrokenWindow, onPacket, onRequest } from '../protocol/ssh2-protocol.js';

/** What a connection was thrown out for. */
export type Breach = 'packets' | 'requests' | 'unsent' | 'window' | 'rekey';

interface Guarded {
  /** Asked for whenever they count: a policy may change. */
  readonly limits: () => Limits;
  readonly isProven: () => boolean;
  /** Told once, right before the socket is destroyed. */
  readonly onBreach: (breach: Breach) => void;
}

/** What a small answer that waits to be sent takes in memory besides its bytes. */
const AROUND_AN_ANSWER = 1024;
/** So many seconds' worth of requests may come at once. */
const BURST_SECONDS = 10;
/** Agreeing on new keys costs as much as so many requests. */
const COST_OF_KEYS = 10;

/** Throws a connection out that sends more than it may, asks more than it may, or doesn't read what it is told. */
export function guard(client: Connection, socket: Socket, { limits, isProven, onBreach }: Guarded): void {
  let packets = 0;
  /** Packets that may each have an answer which is not sent yet. */
  let unanswered = 0;
  const breach = (what: Breach): never => {
    if (!socket.destroyed) onBreach(what);
    socket.destroy();
    throw new Error(`thrown out for its ${what}`); // ssh2 then leaves the rest of what has come unread
  };
  socket.on('drain', () => {
    unanswered = 0;
  });
  onPacket(client, () => {
    packets += 1;
    const { packetsUnproven, unsentUnproven, unsent } = limits();
    if (!isProven() && packets > packetsUnproven) return breach('packets');
    unanswered = socket.writableLength === 0 ? 0 : unanswered + 1;
    const held = socket.writableLength + unanswered * AROUND_AN_ANSWER;
    if (held > (isProven() ? unsent : unsentUnproven)) breach('unsent');
  });
  const take = budget(() => limits().requests);
  onRequest(client, () => {
    if (!take(1)) breach('requests');
  });
  client.on('rekey', () => {
    if (!isProven()) breach('rekey');
    else if (!take(COST_OF_KEYS)) breach('requests');
  });
  onBrokenWindow(client, () => breach('window'));
}

/** Counts the bytes of a connection that has not logged in: with them, what comes before there are keys is bounded too. */
export function guardUnproven(socket: Socket, { limits, isProven, onBreach }: Guarded): void {
  const look = (): void => {
    if (isProven()) socket.off('data', look);
    else if (socket.bytesRead > connectionBounds(limits()).bytesUnproven && !socket.destroyed) {
      onBreach('packets');
      socket.destroy();
    }
  };
  socket.on('data', look);
}

/** So much a second, some seconds' worth at once. */
function budget(perSecond: () => number): (cost: number) => boolean {
  let spent = 0;
  let at = performance.now();
  return (cost) => {
    const now = performance.now();
    spent = Math.max(0, spent - ((now - at) / 1000) * perSecond()) + cost;
    at = now;
    return spent <= perSecond() * BURST_SECONDS;
  };
}
