import { connect, type Socket } from 'node:net';
import { type Address, pause } from './forged-ssh.js';

/** Nobody's key: connections from many addresses of this machine, as many as are taken; every other one begins a handshake, none ends it. Gives how many. */
export async function handshakeStorm({ host, port }: Address, ms: number, atATime = 200): Promise<number> {
  const open = new Set<Socket>();
  const end = Date.now() + ms;
  let count = 0;
  const next = (): void => {
    if (Date.now() >= end) return;
    count += 1;
    const localAddress = `127.0.${1 + (count % 100)}.${1 + (Math.trunc(count / 100) % 250)}`;
    const socket = connect({ host, port, localAddress });
    open.add(socket);
    if (count % 2 === 0) socket.write('SSH-2.0-storm\r\n');
    socket
      .resume()
      .on('error', () => undefined) // being thrown out is what it works for
      .once('close', () => {
        open.delete(socket);
        setTimeout(next, 2).unref();
      });
  };
  for (let i = 0; i < atATime; i++) next();
  await pause(ms);
  for (const socket of open) socket.destroy();
  return count;
}
