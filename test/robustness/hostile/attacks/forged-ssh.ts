import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import ssh2 from 'ssh2';

/** Where an attack goes. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What ssh2 keeps to itself and a forger needs. */
interface Insides {
  readonly _sock: Socket & { readonly _readableState: { readonly ended: boolean } };
  readonly _chanMgr: { add(opened: (error: Error | undefined, channel: ssh2.ClientChannel) => void): number };
  readonly _protocol: {
    ping(): void;
    rekey(): void;
    session(channel: number, window: number, packet: number): void;
    channelData(channel: number, data: Buffer): void;
  };
}

/** A client that keeps no rules. */
export class ForgedSsh {
  readonly client = new ssh2.Client();
  private readonly insides = this.client as unknown as Insides;

  private constructor() {
    this.client.on('error', () => undefined); // being thrown out is what it works for
  }

  /** One that has agreed on keys with the server and doesn't go on to log in. Throws where it is turned away. */
  static async unproven({ host, port }: Address): Promise<ForgedSsh> {
    const forged = new ForgedSsh();
    forged.client.connect({ host, port, username: 'git', readyTimeout: 0, authHandler: () => undefined as never });
    await forged.reaches('handshake');
    return forged;
  }

  /** One that has logged in with a key that the server knows. Throws where it is turned away. */
  static async proven({ host, port }: Address, keyFile: string): Promise<ForgedSsh> {
    const forged = new ForgedSsh();
    forged.client.connect({ host, port, username: 'git', privateKey: await readFile(keyFile), readyTimeout: 0 });
    await forged.reaches('ready');
    return forged;
  }

  /** Ends also where the server hangs up between its greeting and the end of the handshake: of that, ssh2 makes no error. */
  private reaches(event: 'handshake' | 'ready'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.client.once(event as 'ready', () => resolve()).once('close', () => reject(new Error('turned away')));
    });
  }

  /**
   * Whether it has not been thrown out yet. A server that had read all that had come ends a connection without a reset: of that, who reads nothing gets
   * no event, and ssh2 writes nothing any more, which would have brought one.
   */
  get alive(): boolean {
    const { _sock: socket } = this.insides;
    return !socket.destroyed && !socket._readableState.ended;
  }

  /** Reads nothing from here on. */
  deafen(): void {
    this.insides._sock.pause();
  }

  /** Reads again. */
  listen(): void {
    this.insides._sock.resume();
  }

  /** Asks for a reply to nothing. */
  ask(): void {
    if (this.alive) this.insides._protocol.ping();
  }

  /** Begins to agree on other keys. */
  rekey(): void {
    if (this.alive) this.insides._protocol.rekey();
  }

  /** Starts a command on a channel that the server may send `window` bytes to. */
  exec(
    command: string,
    { window = 2 ** 21, env = {} }: { window?: number; env?: NodeJS.ProcessEnv } = {},
  ): Promise<ForgedChannel> {
    return new Promise((resolve, reject) => {
      const opened = (error: Error | undefined, channel: ssh2.ClientChannel): void => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        const { outgoing } = channel as unknown as { outgoing: { id: number } };
        const requests = channel as unknown as { _client: { _protocol: Record<string, (...args: unknown[]) => void> } };
        const { _protocol: protocol } = requests._client;
        for (const [name, value] of Object.entries(env)) protocol['env']?.(outgoing.id, name, value, false);
        protocol['exec']?.(outgoing.id, command, false);
        resolve({ channel, send: (data) => this.alive && this.insides._protocol.channelData(outgoing.id, data) });
      };
      Object.assign(opened, { type: 'session' });
      this.client.once('close', () => reject(new Error('turned away')));
      this.insides._protocol.session(this.insides._chanMgr.add(opened), window, 2 ** 15);
    });
  }

  /** Does something over and over as fast as the server takes it, until time is up or it is thrown out. Gives how often. */
  async hammer(ms: number, burst: () => void): Promise<number> {
    const { _sock: socket } = this.insides;
    let times = 0;
    for (const end = Date.now() + ms; Date.now() < end && this.alive; times++) {
      socket.cork();
      burst();
      socket.uncork();
      if (socket.writableLength < 2 ** 20) await new Promise((resolve) => setImmediate(resolve));
      else await Promise.race([once(socket, 'drain'), once(socket, 'close'), pause(end - Date.now())]).catch(() => undefined); // thrown out
    }
    return times;
  }

  /** True when it had been thrown out by then. */
  end(): boolean {
    const { alive } = this;
    this.client.destroy();
    this.insides._sock?.destroy();
    return !alive;
  }
}

/** A channel whose window is not looked at. */
export interface ForgedChannel {
  readonly channel: ssh2.ClientChannel;
  /** Sends bytes whether or not there is room for them. */
  send(data: Buffer): void;
}

/** Waits. ms. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)).unref());
}
