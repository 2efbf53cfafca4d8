import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of the bytes of a link. */
export interface LinkWeather {
  /** What the side that connects says is lost. */
  readonly requestsLost?: boolean;
  /** What the other side says is lost. */
  readonly answersLost?: boolean;
  /** How much later bytes come, each way, ms. */
  readonly delayMs?: number;
}

/** A TCP link to a port of this machine, which may be slow, or cut, one way or both: connections stay open then, and bytes vanish. */
export class LinkProxy {
  private readonly server: Server;
  /** Each socket that is open, and the pair that it is of. */
  private readonly pairs = new Set<{ readonly sockets: readonly Socket[]; broken: boolean }>();
  private weather: LinkWeather = {};

  private constructor(target: number) {
    this.server = createServer((client) => {
      const there = connect(target, '127.0.0.1');
      const pair = { sockets: [client, there], broken: false };
      this.pairs.add(pair);
      for (const socket of pair.sockets) {
        socket.setNoDelay(true);
        socket.on('error', () => undefined); // either end may go away at any time
        socket.on('close', () => {
          this.pairs.delete(pair);
          for (const each of pair.sockets) each.destroy();
        });
      }
      const pass = (to: Socket, lost: () => boolean | undefined) => (bytes: Buffer) => {
        if (pair.broken || lost() === true)
          pair.broken = true; // a stream of which a piece is lost is lost
        else if (this.weather.delayMs === undefined) to.write(bytes);
        else setTimeout(() => to.write(bytes), this.weather.delayMs);
      };
      client.on(
        'data',
        pass(there, () => this.weather.requestsLost),
      );
      there.on(
        'data',
        pass(client, () => this.weather.answersLost),
      );
    });
  }

  /** A link to a port. */
  static async to(target: number): Promise<LinkProxy> {
    const proxy = new LinkProxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** From now on the link is so; once it is well, what was broken is reset, and connects anew. */
  become(weather: LinkWeather): void {
    this.weather = weather;
    if (weather.requestsLost !== true && weather.answersLost !== true)
      for (const pair of this.pairs) if (pair.broken) for (const socket of pair.sockets) socket.destroy();
  }

  close(): void {
    for (const { sockets } of this.pairs) for (const socket of sockets) socket.destroy();
    this.server.close();
  }
}
