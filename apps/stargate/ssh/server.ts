import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { AuthContext, Connection, Server, ServerChannel } from 'ssh2';
import { principal } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { Limits } from '../../../ports/limits.js';
import { cannotListen } from '../endpoints.js';
import type { Log } from '../log.js';
import type { AnswersTo } from '../repository/repository-id.js';
import { refuse, REFUSED, type ExecSession, type ServeExec } from '../exec-session.js';
import { acceptAuth, fingerprintOf, judgeAuth, type Identify, type ProvenKey } from './auth.js';
import { parseSshCommand, type SshCommand } from './command.js';
import { type ConnectionLimits, type Crowd, SshConnections } from './connections.js';
import { execSession, finishChannel, onEnvironment } from './channel.js';
import { announceHostKeys, type ProvableKey } from './protocol/host-key-proof.js';
import { ssh2Server } from './protocol/offered-keys.js';
import { tellSignatureAlgorithms } from './protocol/signature-algorithms.js';

/** Bounds on what clients can hold. */
export type SshLimits = ConnectionLimits & Pick<Limits, 'sessionsPerConnection' | 'loginAttempts'>;

/** The host keys of a server. */
export interface ServedHostKeys {
  /** What clients are shown, one a type. */
  readonly inUse: readonly ProvableKey[];
  /** What clients are told of besides, since it takes over later. */
  readonly next: readonly ProvableKey[];
}

interface SshServerOptions {
  readonly host: string;
  readonly port: number;
  /** Asked for each connection: the same object as long as nothing has changed. */
  readonly hostKeys: () => ServedHostKeys;
  /** Asked for each connection and again for each command, so that a key that was taken away stops working. */
  readonly identify: Identify;
  readonly answersTo: AnswersTo;
  /** Gives what serves a command that this pusher may run; throws the KvError to refuse with. */
  readonly route: (command: SshCommand, session: ExecSession) => ServeExec;
  /** Told of each push that is refused before it begins, such as for the pusher's role; its log line and metric. */
  readonly pushRefused?: (session: ExecSession, error: KvError, ms: number) => void;
  /** Asked for whenever they count: a policy may change. */
  readonly limits: () => SshLimits;
  readonly log: Log;
}

/** An SSH server that answers, at the port that it was given. */
export interface SshListener {
  readonly host: string;
  readonly port: number;
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

interface Running {
  readonly done: Promise<unknown>;
  readonly cut: AbortController;
}

/** Listens for SSH. Throws `IO_ERROR` when the address can't be had, `CONFIG_INVALID` when a host key can't be read. */
export async function listenSsh(options: SshServerOptions): Promise<SshListener> {
  const { limits } = options;
  const connections = new SshConnections(limits);
  const running = new Set<Running>();
  const serverOf = serverByKeys((client, remote) => {
    const socket = connections.socket(remote);
    if (socket === undefined) client.end();
    else attend(client, socket, remote, { ...options, connections, running });
  });
  serverOf(options.hostKeys()); // keys that can't be used are said now
  // Its own listener: ssh2 reports a connection only once the client has spoken, and a silent one needs a bound too.
  const listener = createServer({ noDelay: true }, (socket) => {
    const dropped = connections.arrive(socket);
    if (dropped !== undefined) options.log.warn('ssh.connections.full', { max: limits().connectionsUnproven, dropped });
    serverOf(options.hostKeys()).injectSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    // Later, it tells of a connection for which there was no descriptor.
    listener.on('error', (cause) => reject(cannotListen('SSH', options, cause)));
    listener.listen(options.port, options.host, resolve);
  });
  const address = listener.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    async close(grace) {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      const timer = setTimeout(() => {
        for (const { cut } of running) cut.abort();
      }, grace);
      while (running.size > 0) await Promise.all([...running].map(({ done }) => done));
      clearTimeout(timer);
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

interface Attending extends SshServerOptions {
  readonly connections: SshConnections;
  readonly running: Set<Running>;
}

function attend(client: Connection, socket: Socket, remote: string, options: Attending): void {
  const { limits, log, identify, connections, running } = options;
  let attempts = 0;
  let key: ProvenKey | undefined;
  let open = 0;
  client.on('error', (error) => {
    log.info('ssh.connection.error', { remote, message: error.message });
    if (open === 0) socket.destroySoon();
  });
  client.on('handshake', () => connections.agreed(remote));
  tellSignatureAlgorithms(client);
  client.on('authentication', (context) => {
    const verdict =
      ++attempts > limits().loginAttempts
        ? ({ kind: 'refused', reason: 'too many attempts' } as const)
        : judgeAuth(context, identify);
    if (verdict.kind === 'proven') key = verdict.key;
    if (verdict.kind !== 'refused') return acceptAuth(context);
    if (context.method !== 'none') log.info('ssh.auth.refused', { remote, reason: verdict.reason, ...offered(context) });
    context.reject(['publickey']);
    if (attempts > limits().loginAttempts) client.end();
  });
  let crowd: Crowd | undefined;
  client.on('ready', () => {
    const room = key === undefined ? undefined : connections.prove(remote, key.blob.toString('base64'));
    if (room === 'room') {
      const { inUse, next } = options.hostKeys();
      announceHostKeys(client, [...inUse, ...next]);
      return;
    }
    crowd = room;
    log.warn('ssh.connections.busy', { remote, ...(key && { fingerprint: fingerprintOf(key.blob) }), ...crowd });
    if (crowd !== undefined) return; // its command is answered with the reason
    client.end();
    socket.destroySoon();
  });
  client.on('session', (accept, reject) => {
    if (open >= limits().sessionsPerConnection) return reject();
    open += 1;
    const session = accept();
    const protocol = onEnvironment(session);
    session.once('close', () => {
      open -= 1;
    });
    session.on('exec', (acceptExec, rejectExec, info) => {
      const channel = acceptExec() as ServerChannel | undefined;
      const pusher = key === undefined ? null : identify(key.type, key.blob);
      if (channel === undefined) return (rejectExec as (() => void) | undefined)?.();
      const cut = new AbortController();
      const fingerprint = key === undefined ? '-' : fingerprintOf(key.blob);
      const request = randomBytes(8).toString('hex');
      const facts = { request, fingerprint, pusher: pusher ?? NOBODY, remote, gitProtocol: protocol(), gone: cut.signal };
      const exec = execSession(channel, facts);
      if (crowd !== undefined) {
        turnAway(exec, info.command, tooMany(crowd), options);
        finishChannel(channel, REFUSED);
        channel.once('close', () => client.end());
        return;
      }
      channel.once('close', () => cut.abort());
      client.once('close', () => cut.abort());
      channel.on('error', () => cut.abort());
      connections.begin(remote);
      const done = runCommand(info.command, exec, pusher !== null, options)
        .then((status) => finishChannel(channel, status))
        .catch((error: unknown) => {
          log.error('ssh.exec.broken', { request, remote, message: toKvError(error).message });
          channel.destroy();
        });
      const entry: Running = { done, cut };
      running.add(entry);
      void done.finally(() => {
        running.delete(entry);
        connections.end(remote);
      });
    });
  });
}

/** Refuses a command whose connection has no room, as one that is not run: nobody has looked at it. */
function turnAway(exec: ExecSession, line: unknown, error: KvError, { pushRefused, log }: SshServerOptions): void {
  const { request, pusher, fingerprint, remote } = exec;
  refuse(exec, error);
  if (typeof line === 'string' && /^git[ -]receive-pack /.test(line)) pushRefused?.(exec, error, 0);
  else log.warn('ssh.refused', { request, pusher: pusher.name, fingerprint, remote, code: error.code, message: error.message });
}

/** The key of a login, for people: who was refused tells its admin this. */
function offered(context: AuthContext): { readonly user: string; readonly key_type?: string; readonly fingerprint?: string } {
  const user = context.username.slice(0, 64);
  if (context.method !== 'publickey') return { user };
  return { user, key_type: context.key.algo.slice(0, 64), fingerprint: fingerprintOf(context.key.data) };
}

/** What a client is told whose connection has no room. */
function tooMany({ of, limit }: Crowd): KvError {
  const who = of === 'key' ? 'this key has' : 'the Stargate has';
  return new KvError('BUSY', `${who} ${limit} connections at work, which is as many as it may have`, {
    hint: of === 'key' ? "try again later, or have an admin raise the policy's max_connections_per_key" : 'try again later',
    details: { limit, of },
  });
}

/** Whose key was taken from the policy meanwhile. */
const NOBODY = principal('-');

async function runCommand(line: unknown, session: ExecSession, known: boolean, options: SshServerOptions): Promise<number> {
  const started = Date.now();
  let what = 'unreadable';
  let status = REFUSED;
  const { request, pusher, fingerprint, remote } = session;
  const facts = () => ({ request, pusher: pusher.name, fingerprint, remote });
  try {
    const command = parseSshCommand(typeof line === 'string' ? line : '');
    what = command.kind === 'git' ? command.service : `admin ${command.verb}`;
    if (!known) throw new KvError('POLICY_VIOLATION', 'this key is not in the policy any more');
    if (!options.answersTo(command.path)) {
      throw new KvError('NOT_FOUND', `no repository '${command.path.slice(0, 200)}' here`, {
        hint: "check the remote's pushurl: the policy has it",
        advice: { id: 'confirm-push-url' },
      });
    }
    status = await options.route(command, session)(session);
    if (what === 'git-receive-pack') return status; // what serves pushes has written its line
  } catch (thrown) {
    const error = toKvError(thrown);
    if (error.code === 'UNEXPECTED') options.log.error('ssh.exec.failed', { ...facts(), what, message: error.message });
    status = refuse(session, error);
    if (what === 'git-receive-pack') {
      options.pushRefused?.(session, error, Date.now() - started);
      return status;
    }
    options.log.warn('ssh.refused', { ...facts(), what, code: error.code, message: error.message, ms: Date.now() - started });
    return status;
  }
  options.log.info('ssh.exec', { ...facts(), what, status, ms: Date.now() - started });
  return status;
}
