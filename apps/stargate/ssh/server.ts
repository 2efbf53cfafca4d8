import { createServer, type AddressInfo } from 'node:net';
import type { Connection, Server } from 'ssh2';
import type { KvError } from '../../../ports/error.js';
import type { Tracing } from '../../../ports/tracing.js';
import { cannotListen } from '../endpoints.js';
import type { ExecSession } from '../exec-session.js';
import type { Log } from '../log/log.js';
import { seldomLog } from '../log/log-seldom.js';
import { attend, type Attending, type ServedHostKeys } from './attend.js';
import type { Identify } from './auth.js';
import { Commands } from './commands.js';
import { ssh2Server } from './protocol/offered-keys.js';
import { type ConnectionLimits, SshConnections } from './room/connections.js';
import { guardUnproven } from './room/guard.js';
import { Places } from './room/places.js';
import type { Reach } from './reach.js';

/** Bounds on what clients can hold. */
export type SshLimits = ConnectionLimits;

interface SshServerOptions {
  readonly host: string;
  readonly port: number;
  /** Asked for each connection: the same object as long as nothing has changed. */
  readonly hostKeys: () => ServedHostKeys;
  /** Who may log in. Asked for each connection and again for each command, so that a key that was taken away stops working. */
  readonly identify: Identify;
  readonly reach: Reach;
  /** Told of each push that is refused before it begins, such as for the pusher's role; its log line and metric. */
  readonly pushRefused?: (session: ExecSession, error: KvError, ms: number) => void;
  /** Asked for whenever they count: a policy may change. */
  readonly limits: () => SshLimits;
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly log: Log;
}

/** An SSH server that answers, at the port that it was given. */
export interface SshListener {
  readonly host: string;
  readonly port: number;
  /** Ends the connections of keys that the policy has no more, and commands of keys that lost the role for them. Called when it has changed. */
  review(): void;
  /** Stops listening, waits for the commands at hand for at most `grace` ms, then cuts them off. */
  close(grace: number): Promise<void>;
}

const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'diffie-hellman-group16-sha512',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'], // compression before the pack is counted would let a small packet grow without bound
} as const;
/** So many lines a second tell of what strangers do. */
const LINES_A_SECOND = 10;

/** Listens for SSH. Throws `IO_ERROR` when the address can't be had, `CONFIG_INVALID` when a host key can't be read. */
export async function listenSsh(options: SshServerOptions): Promise<SshListener> {
  const { limits, log } = options;
  const connections = new SshConnections(limits);
  const commands = new Commands();
  const places = new Places(limits);
  const seldom = seldomLog(log, LINES_A_SECOND);
  const reviews = new Set<() => void>();
  const serverOf = serverByKeys((client, remote) => {
    const socket = connections.socket(remote);
    if (socket === undefined) return void client.end();
    const attending: Attending = { ...options, remote, socket, connections, commands, places, seldom };
    const review = attend(client, attending);
    reviews.add(review);
    socket.once('close', () => reviews.delete(review));
  });
  serverOf(options.hostKeys()); // keys that can't be used are said now
  // Its own listener: ssh2 reports a connection only once the client has spoken, and a silent one needs a bound too.
  const listener = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined); // its close tells of it
    const dropped = connections.arrive(socket);
    if (dropped !== undefined) seldom.warn('ssh.connections.full', { max: limits().connectionsUnproven, dropped });
    if (socket.destroyed) return;
    serverOf(options.hostKeys()).injectSocket(socket);
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    guardUnproven(socket, {
      limits,
      isProven: () => connections.isProven(remote),
      onBreach: (breach) => seldom.warn('ssh.thrown-out', { remote, breach }),
    });
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', (cause) => reject(cannotListen('SSH', options, cause)));
    listener.listen(options.port, options.host, resolve);
  });
  // Later, it tells of a connection for which there was no descriptor, and listens on.
  listener.on('error', (error) => seldom.error('ssh.listener', { message: error.message }));
  const address = listener.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    review() {
      for (const review of reviews) review();
    },
    async close(grace) {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      await commands.close(grace);
      for (const socket of connections.sockets) socket.end();
      const stubborn = setTimeout(() => {
        for (const socket of connections.sockets) socket.destroy();
      }, 500);
      await closed;
      clearTimeout(stubborn);
    },
  };
}

/** An ssh2 server for the keys as they are: it takes its own once and for all, so other keys need another one. */
function serverByKeys(onConnection: (client: Connection, remote: string) => void): (keys: ServedHostKeys) => Server {
  let made: { keys: ServedHostKeys; server: Server } | undefined;
  return (keys) => {
    if (made?.keys === keys) return made.server;
    const server = ssh2Server(keys.inUse, { ident: 'git-kv-stargate', algorithms: structuredClone(ALGORITHMS) as never });
    server.on('connection', (client, info) => onConnection(client, `${info.ip}:${info.port}`));
    made = { keys, server };
    return server;
  };
}
