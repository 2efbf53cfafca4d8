import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { boundCrowd } from '../../apps/http/crowd.js';

describe('http: more connections than there may be', () => {
  let server: Server;
  let sockets: Socket[];
  /** Of requests to `/slow`. */
  let waiting: ServerResponse[];
  let bounds = { connections: 6, connectionsPerAddress: 3, headersTimeout: 60_000 };
  beforeEach(async () => {
    bounds = { connections: 6, connectionsPerAddress: 3, headersTimeout: 60_000 };
    [sockets, waiting] = [[], []];
    server = createServer((request, response) => {
      if (request.url === '/slow') waiting.push(response);
      else response.end('here');
    });
    boundCrowd(server, () => bounds);
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  const from = async (localAddress: string, text = ''): Promise<Socket> => {
    const { port } = server.address() as AddressInfo;
    const arrived = once(server, 'connection');
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.on('error', () => undefined); // it may be thrown out
    sockets.push(socket);
    await Promise.all([arrived, once(socket, 'connect')]);
    if (text !== '') socket.write(text);
    return socket;
  };
  const asks = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const answered = async (address: string): Promise<Socket> => {
    const socket = await from(address, asks('/'));
    await once(socket, 'data');
    return socket;
  };
  const slow = async (address: string): Promise<Socket> => {
    const many = waiting.length;
    const socket = await from(address, asks('/slow'));
    while (waiting.length === many) await new Promise((resolve) => setTimeout(resolve, 1));
    return socket;
  };
  const gone = async (socket: Socket): Promise<unknown> => socket.closed || once(socket, 'close');

  it('lets the oldest of the same address go that has asked nothing', async () => {
    const [first, second] = [await answered('127.0.0.2'), await from('127.0.0.2', 'GET /')];
    const third = await from('127.0.0.2', 'GET /');
    await Promise.all([gone(second), answered('127.0.0.2')]);
    await Promise.all([gone(third), answered('127.0.0.2')]);
    await Promise.all([gone(first), from('127.0.0.2')]);
  });

  it('lets one of the busiest address go when there are too many in all', async () => {
    await from('127.0.0.2');
    const [busy] = [await from('127.0.0.3'), await from('127.0.0.3'), await from('127.0.0.3')];
    await from('127.0.0.4');
    await from('127.0.0.5');
    await Promise.all([gone(busy as Socket), answered('127.0.0.6')]);
  });

  it('ends none that is being served, and turns the newcomer away where all are', async () => {
    for (let i = 0; i < 3; i++) await slow('127.0.0.2');
    await gone(await from('127.0.0.2'));
    for (let i = 0; i < 3; i++) await slow('127.0.0.4');
    await gone(await from('127.0.0.5'));
    for (const response of waiting) response.end();
    await answered('127.0.0.2');
  });

  it('asks for its bounds each time', async () => {
    const first = await from('127.0.0.2');
    bounds = { ...bounds, connections: 1 };
    await Promise.all([gone(first), answered('127.0.0.3')]);
    expect(server.headersTimeout).to.equal(60_000);
  });
});
