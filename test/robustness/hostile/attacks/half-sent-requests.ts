import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Anybody who reaches the HTTP port: begins `perSecond` requests a second for `ms`, and ends none. */
export async function halfSentRequests(to: { host: string; port: number }, ms: number, perSecond = 130): Promise<void> {
  const sockets: Socket[] = [];
  const started = performance.now();
  for (let passed = 0; passed < ms; passed = performance.now() - started) {
    while (sockets.length < (passed / 1000) * perSecond) {
      const socket = connect(to);
      socket.on('error', () => undefined); // it is thrown out
      socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\nX-More: ');
      sockets.push(socket);
    }
    await delay(10);
  }
  for (const socket of sockets) socket.destroy();
}
