import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Ways to servers on loopback, which a round trip takes as long through as is asked for. */
export class Links {
  /** What a round trip takes longer than loopback itself, ms. */
  delay = 0;
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();

  /** A way to a port: gives the port that it begins at. */
  async to(port: number): Promise<number> {
    const server = createServer((here) => {
      const there = connect(port, '127.0.0.1');
      for (const socket of [here, there]) {
        this.sockets.add(socket);
        socket.setNoDelay(true).on('error', () => undefined); // the other side sees that it is gone
        socket.once('close', () => {
          this.sockets.delete(socket);
          here.destroy();
          there.destroy();
        });
      }
      // A round trip is late once: a timer of half a millisecond would be one of a whole.
      here.on('data', (bytes) => this.later(() => there.write(bytes)));
      here.once('end', () => this.later(() => there.end()));
      there.pipe(here);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.servers.push(server);
    return (server.address() as AddressInfo).port; // it listens on a port
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    for (const server of this.servers) server.close();
  }

  /** Timers of one length fire in their order. */
  private later(what: () => void): void {
    if (this.delay === 0) what();
    else setTimeout(what, this.delay);
  }
}
