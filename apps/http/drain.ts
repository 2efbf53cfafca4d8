import type { Server } from 'node:http';

/** Counts the requests of a server. Gives what ends its connections when it closes, and gives in turn what ends the waiting. */
export function drainable(server: Server): (grace: number) => () => void {
  let active = 0;
  let draining = false;
  const endIfIdle = (): void => {
    if (draining && active === 0) server.closeAllConnections();
  };
  server.on('connection', (socket) => {
    if (draining) socket.destroy(); // the connection came between the decision to close and the close
  });
  server.on('request', (_request, response) => {
    active += 1;
    response.once('close', () => {
      active -= 1;
      endIfIdle();
    });
  });
  return (grace) => {
    draining = true;
    const timer = setTimeout(() => server.closeAllConnections(), grace);
    endIfIdle();
    return () => clearTimeout(timer);
  };
}
