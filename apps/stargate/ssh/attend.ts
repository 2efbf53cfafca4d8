import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Connection, ServerChannel } from 'ssh2';
import { may, principal, type Principal } from '../../../domain/access/principal.js';
import { toKvError } from '../../../ports/error.js';
import { connectionBounds } from '../../../domain/gateway/limits/connection-limits.js';
import { REFUSED, type ExecSession } from '../exec-session.js';
import type { Log } from '../log/log.js';
import { notListed } from '../permission.js';
import { SessionTrace } from '../session-trace.js';
import { fingerprintOf, type Identify } from './auth.js';
import { execSession, finishChannel, onEnvironment } from './channel.js';
import { type AtWork, type Commands, whyRevoked } from './commands.js';
import { login } from './login.js';
import { announceHostKeys, type ProvableKey } from './protocol/host-key-proof.js';
import { pacedOutput } from './protocol/paced-output.js';
import { busy, type Crowd, ending } from './room/busy.js';
import type { ConnectionLimits, SshConnections } from './room/connections.js';
import { guard } from './room/guard.js';
import { type CommandOptions, runCommand, turnAway } from './run-command.js';

/** The host keys of a server. */
export interface ServedHostKeys {
  /** What clients are shown, one a type. */
  readonly inUse: readonly ProvableKey[];
  /** What clients are told of besides, since it takes over later. */
  readonly next: readonly ProvableKey[];
}

/** What serving one connection takes of the server's. */
export interface Attending extends CommandOptions {
  readonly remote: string;
  readonly socket: Socket;
  /** Asked for each connection: the same object as long as nothing has changed. */
  readonly hostKeys: () => ServedHostKeys;
  /** Asked for each connection and again for each command, so that a key that was taken away stops working. */
  readonly identify: Identify;
  /** Asked for whenever they count: a policy may change. */
  readonly limits: () => ConnectionLimits;
  readonly connections: SshConnections;
  readonly commands: Commands;
  /** For what anybody without a key can make happen, as often as they like. */
  readonly seldom: Log;
}

/** Whose key was taken from the policy meanwhile. */
const NOBODY = principal('-');

/** Serves one connection. Gives what holds it, and what runs on it, against the policy as it is then. */
export function attend(client: Connection, options: Attending): () => void {
  const { remote, socket, limits, log, seldom, identify, connections } = options;
  const atWork = new Set<AtWork>();
  let open = 0;
  let crowd: Crowd | undefined;
  client.on('error', (error) => {
    seldom.info('ssh.connection.error', { remote, message: error.message });
    if (open === 0) socket.destroySoon();
    else connections.dismiss(remote);
  });
  connections.advanced(remote); // it has said that it speaks SSH
  client.on('handshake', () => connections.agreed(remote));
  client.on('authentication', () => connections.advanced(remote));
  const key = login(client, { remote, identify, limits, log: seldom });
  const shown = () => (key() === undefined ? '-' : fingerprintOf(key()?.blob as Buffer));
  const whose = (): Principal | null => {
    const proven = key();
    return proven === undefined ? null : identify(proven.type, proven.blob);
  };
  guard(client, socket, {
    limits,
    isProven: () => key() !== undefined,
    onBreach: (breach) =>
      (key() === undefined ? seldom : log).warn('ssh.thrown-out', {
        remote,
        fingerprint: shown(),
        breach,
        commands: atWork.size,
      }),
  });
  const pace = pacedOutput(client, socket, () => connectionBounds(limits()).unsentAhead);
  const asker = () => {
    const pusher = whose();
    const writes = pusher !== null && may(pusher, 'push');
    return { pusher, proven: key(), key: key()?.blob.toString('base64') ?? '', isListed: pusher !== null, writes };
  };
  client.on('ready', () => {
    const room = key() === undefined ? undefined : connections.prove(remote, asker());
    if (room === 'room') {
      const { inUse, next } = options.hostKeys();
      announceHostKeys(client, [...inUse, ...next]);
      return;
    }
    crowd = room;
    log.warn('ssh.connections.busy', { remote, fingerprint: shown(), of: crowd?.of, limit: crowd?.limit });
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
    session.on('exec', (acceptExec, rejectExec, { command }) => {
      const channel = acceptExec() as ServerChannel | undefined;
      if (channel === undefined) return (rejectExec as (() => void) | undefined)?.();
      pace(channel);
      exec(channel, command, protocol());
    });
  });

  const exec = (channel: ServerChannel, line: unknown, gitProtocol: string | undefined): void => {
    const cut = new AbortController();
    const who = asker();
    const { tracing } = options;
    const facts = { request: randomBytes(8).toString('hex'), fingerprint: shown(), remote, gitProtocol };
    const session: ExecSession = execSession(channel, {
      ...facts,
      pusher: who.pusher ?? NOBODY,
      gone: cut.signal,
      ...(tracing?.isOn === true ? { trace: new SessionTrace(tracing, { request: facts.request }) } : {}),
      pusherNow() {
        const pusher = whose();
        if (pusher === null) throw notListed();
        return pusher;
      },
    });
    const lack = crowd !== undefined ? busy(crowd) : options.commands.closing ? ending() : undefined;
    if (lack !== undefined) {
      turnAway(session, line, lack, options);
      finishChannel(channel, REFUSED);
      channel.once('close', () => client.end());
      return;
    }
    for (const each of [channel, client]) each.once('close', () => cut.abort());
    channel.on('error', () => cut.abort());
    connections.begin(remote);
    const routed: Parameters<typeof runCommand>[3] = ({ needs }, { pusher }) => {
      Object.assign(command, { needs, pusher });
    };
    const command: AtWork = { session, cut, done: Promise.resolve() };
    command.done = runCommand(line, session, who, routed, options)
      .then((status) => finishChannel(channel, status))
      .catch((error: unknown) => {
        log.error('ssh.exec.broken', { request: facts.request, remote, message: toKvError(error).message });
        channel.destroy();
      })
      .finally(() => {
        atWork.delete(command);
        connections.end(remote);
      });
    atWork.add(command);
    options.commands.add(command);
  };

  return () => {
    if (key() === undefined) return;
    const pusher = whose();
    const revoked = [...atWork].flatMap((command) => {
      const reason = whyRevoked(command, pusher !== null);
      return reason === null ? [] : [{ command, reason }];
    });
    for (const { command, reason } of revoked) {
      const { request, pusher: was, fingerprint } = command.session;
      log.warn('ssh.revoked', { request, pusher: was.name, fingerprint, remote, code: reason.code, message: reason.message });
      command.cut.abort(reason);
    }
    if (pusher !== null) return;
    log.warn('ssh.key-removed', { remote, fingerprint: shown(), commands: revoked.length });
    connections.dismiss(remote);
    void Promise.all(revoked.map(({ command }) => command.done)).then(() => client.end());
  };
}
