import type { Socket } from 'node:net';
import type { Limits } from '../../../ports/limits.js';

/** Bounds on connections, which have authenticated or (`connectionsUnproven`) have not. */
export type ConnectionLimits = Pick<
  Limits,
  'connections' | 'connectionsUnproven' | 'handshakeTimeout' | 'loginTimeout' | 'idleGrace' | 'idleTimeout'
> & {
  readonly connectionsPerKey: number;
};

interface Held {
  readonly socket: Socket;
  readonly address: string;
  /** The proven key; undefined before. */
  key: string | undefined;
  /** Commands that run. */
  commands: number;
  /** Since when it has had no command: ms since the epoch. */
  restsSince: number;
  timer: NodeJS.Timeout | undefined;
}

/** Of whom there are as many connections as may be. */
export interface Crowd {
  readonly of: 'key' | 'all';
  readonly limit: number;
}

/** Who is connected, and who has to go when there is no room. */
export class SshConnections {
  /** By remote address and port, the longest-waiting first. */
  private readonly held = new Map<string, Held>();

  /** The bounds are asked for whenever they count: a policy may change. */
  constructor(private readonly bounds: () => ConnectionLimits) {}

  private get limits(): ConnectionLimits {
    return this.bounds();
  }

  get sockets(): Socket[] {
    return [...this.held.values()].map(({ socket }) => socket);
  }

  socket(remote: string): Socket | undefined {
    return this.held.get(remote)?.socket;
  }

  /** Takes a new connection. Gives the address of the one that had to go for it, if any. */
  arrive(socket: Socket): string | undefined {
    const waiting = [...this.held.values()].filter(({ key }) => key === undefined);
    const dropped = waiting.length < this.limits.connectionsUnproven ? undefined : oldestOfBusiest(waiting);
    if (dropped !== undefined) this.drop(dropped);
    const entry: Held = {
      socket,
      address: socket.remoteAddress ?? '',
      key: undefined,
      commands: 0,
      restsSince: Date.now(),
      timer: undefined,
    };
    const name = `${socket.remoteAddress}:${socket.remotePort}`;
    this.held.set(name, entry);
    this.within(entry, this.limits.handshakeTimeout);
    socket.once('close', () => {
      clearTimeout(entry.timer);
      if (this.held.get(name) === entry) this.held.delete(name);
    });
    return dropped?.address;
  }

  /** The session keys are agreed: gives the client the time to authenticate. */
  agreed(remote: string): void {
    const entry = this.held.get(remote);
    if (entry !== undefined && entry.key === undefined) this.within(entry, this.limits.loginTimeout);
  }

  /**
   * Counts a connection as its key's. An idle one goes where room is needed; when all are at work, says of whom there are too many, and
   * the connection has as long as a handshake to hear of it.
   */
  prove(remote: string, key: string): 'room' | Crowd {
    const entry = this.held.get(remote);
    if (entry === undefined) return { of: 'all', limit: this.limits.connections };
    const proven = [...this.held.values()].filter((other) => other.key !== undefined && other !== entry);
    const sameKey = proven.filter((other) => other.key === key);
    const perKey = this.limits.connectionsPerKey;
    const crowded = sameKey.length >= perKey;
    const rivals = crowded ? sameKey : proven.length >= this.limits.connections ? proven : [];
    const idle = rivals.find(({ commands, restsSince }) => commands === 0 && Date.now() - restsSince >= this.limits.idleGrace);
    if (rivals.length > 0 && idle === undefined) {
      this.within(entry, this.limits.handshakeTimeout);
      return crowded ? { of: 'key', limit: perKey } : { of: 'all', limit: this.limits.connections };
    }
    if (idle !== undefined) this.drop(idle);
    entry.key = key;
    this.rest(remote, entry);
    return 'room';
  }

  /** A command begins. */
  begin(remote: string): void {
    const entry = this.held.get(remote);
    if (entry === undefined) return;
    entry.commands += 1;
    clearTimeout(entry.timer);
  }

  /** A command has ended. */
  end(remote: string): void {
    const entry = this.held.get(remote);
    if (entry === undefined) return;
    entry.commands -= 1;
    if (entry.commands === 0) this.rest(remote, entry);
  }

  private rest(remote: string, entry: Held): void {
    // To the end of the line: the order of idle connections is how long they are idle.
    this.held.delete(remote);
    this.held.set(remote, entry);
    entry.restsSince = Date.now();
    this.within(entry, this.limits.idleTimeout);
  }

  private within(entry: Held, milliseconds: number): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => entry.socket.destroy(), milliseconds);
  }

  /** Makes room at once: the socket's `close` comes later. */
  private drop(entry: Held): void {
    clearTimeout(entry.timer);
    for (const [name, other] of this.held) if (other === entry) this.held.delete(name);
    entry.socket.destroy();
  }
}

/** The longest-waiting connection of the address that has most of them: one host cannot push all others out. */
function oldestOfBusiest(waiting: readonly Held[]): Held | undefined {
  const counts = new Map<string, number>();
  for (const { address } of waiting) counts.set(address, (counts.get(address) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return waiting.find(({ address }) => counts.get(address) === most);
}
