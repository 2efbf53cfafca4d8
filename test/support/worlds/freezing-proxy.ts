import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Passes TCP connections on to a port of this machine, until it is frozen: then it takes them and says nothing. */
export class FreezingProxy {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private frozen = false;

  private constructor(target: number) {
    this.server = createServer((client) => {
      const there = connect(target, '127.0.0.1');
      const pair = [client, there];
      for (const socket of pair) {
        this.sockets.add(socket);
        socket.on('error', () => undefined); // the other end may go away at any time
        socket.on('close', () => {
          this.sockets.delete(socket);
          for (const each of pair) each.destroy();
        });
      }
      client.on('data', (bytes) => this.pass(there, bytes));
      there.on('data', (bytes) => this.pass(client, bytes));
    });
  }

  static async before(target: number): Promise<FreezingProxy> {
    const proxy = new FreezingProxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Every byte is lost from now on; connections stay open. */
  freeze(): void {
    this.frozen = true;
  }

  /** What connects from now on is served; what was open stays as dead as it is. */
  thaw(): void {
    for (const socket of this.sockets) socket.removeAllListeners('data').resume();
    this.frozen = false;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private pass(to: Socket, bytes: Buffer): void {
    if (!this.frozen) to.write(bytes);
  }
}
