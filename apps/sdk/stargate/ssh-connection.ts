import ssh2, { type ClientChannel } from 'ssh2';
import { KvError } from '../../../ports/error.js';
import type { SshUrl } from '../../../ports/grammar/network/ssh-url.js';
import type { IntentConnection } from '../../../ports/clone/intent-stream.js';
import { parseRejection } from '../../../ports/rejection.js';
import { type ExpectedHost, fingerprintOf } from './host-keys.js';

/** Where a connection leads, and who asks. */
export interface SshWay {
  readonly address: SshUrl;
  readonly port: number;
  readonly host: ExpectedHost;
  /** The private key, in OpenSSH's form. */
  readonly login: string;
}

/** Milliseconds until a host must have answered, and between two questions whether it is still there. */
const READY_MS = 20_000;
const ALIVE_MS = 10_000;
/** So many of these questions may go without an answer. */
const MOST_UNANSWERED = 3;
/** More is not kept of what the other side says beside its answers. Characters. */
const MOST_SAID = 64 * 1024;

/** A stream of intents on an SSH connection of this process. It is on its way as soon as it is made. */
export class SshConnection implements IntentConnection {
  private readonly client = new ssh2.Client();
  private readonly opened: Promise<ClientChannel | null>;
  private channel: ClientChannel | null = null;
  private broken: KvError | null = null;
  private over = false;
  private heard = false;
  private closed = false;
  private said = '';
  private code: number | null = null;
  private wake: () => void = () => undefined;
  private room: () => void = () => undefined;

  constructor(private readonly way: SshWay) {
    const { client } = this;
    this.opened = new Promise((resolve) => {
      const end = (error: KvError | null): void => {
        this.broken ??= error;
        this.over = true;
        resolve(null);
        this.wake();
        this.room();
      };
      client.on('ready', () => this.begin(resolve, end));
      client.on('error', (error) => end(this.failure(error)));
      client.on('close', () => end(null));
    });
    this.connect();
  }

  get usable(): boolean {
    return !this.over && !this.closed;
  }

  async send(bytes: Uint8Array): Promise<void> {
    const channel = await this.opened;
    if (channel === null || !this.usable || channel.write(bytes)) return;
    await new Promise<void>((resolve) => {
      this.room = resolve;
      channel.once('drain', resolve);
    });
  }

  async receive(): Promise<Uint8Array | null> {
    await this.opened;
    for (;;) {
      const piece = this.closed ? null : (this.channel?.read() as Buffer | null | undefined);
      if (piece) {
        this.heard = true;
        return piece;
      }
      if (this.closed) return null;
      if (this.over) return this.lastWord();
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  close(): void {
    this.closed = true;
    this.client.end();
    this.wake();
    this.room();
  }

  private connect(): void {
    const { address, port, host, login } = this.way;
    const types = host.types?.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]));
    try {
      this.client.connect({
        ...{ host: address.host, port, username: address.user ?? 'git', privateKey: login },
        ...{ readyTimeout: READY_MS, keepaliveInterval: ALIVE_MS, keepaliveCountMax: MOST_UNANSWERED },
        ...(types === undefined ? {} : { algorithms: { serverHostKey: types as ssh2.ServerHostKeyAlgorithm[] } }),
        hostVerifier: (key: Buffer) => {
          if (host.accepts(key)) return true;
          const shown = `${address.host} shows the host key ${fingerprintOf(key)}, which is not the one that is known`;
          this.broken = new KvError('IO_ERROR', shown, {
            hint: 'ask whoever runs the Stargate: another server may answer there',
          });
          return false;
        },
      });
    } catch (error) {
      this.client.emit('error', error as Error);
    }
  }

  private begin(resolve: (channel: ClientChannel) => void, end: (error: KvError | null) => void): void {
    const path = `'${this.way.address.path.replace(/['!]/g, (character) => `'\\${character}'`)}'`;
    this.client.exec(`git-kv-intents ${path}`, (error, channel) => {
      if (error) return end(this.failure(error));
      this.channel = channel;
      for (const event of ['readable', 'end']) channel.on(event, () => this.wake());
      channel.stderr.setEncoding('utf8').on('data', (text: string) => (this.said = (this.said + text).slice(0, MOST_SAID)));
      channel.on('exit', (code: number | null) => (this.code = code));
      channel.on('error', () => undefined); // the connection says why
      channel.on('close', () => {
        this.client.end();
        end(null);
      });
      resolve(channel);
    });
  }

  private failure({ message, level }: Error & { level?: string }): KvError {
    const { host } = this.way.address;
    if (level === 'client-authentication')
      return new KvError('IO_ERROR', `${host} does not know the key`, { hint: 'have its public half added to the policy' });
    const hint = 'check the address, and that the Stargate runs';
    return new KvError('IO_ERROR', `cannot reach the Stargate at ${host}: ${message}`, { hint });
  }

  /** What the connection's end means: nothing when it ended well. Throws the Stargate's words, or what has broken it. */
  private lastWord(): null {
    const rejection = this.said.split('\n').flatMap((line) => parseRejection(line) ?? [])[0];
    if (rejection !== undefined) throw rejection;
    if (this.broken !== null) throw this.broken;
    if (this.code === 0) return null;
    const error = new KvError('IO_ERROR', `${this.way.address.host} has ended the connection`, { hint: 'try again' });
    throw this.heard || this.channel === null ? error : error.with({ details: { sent: 'cut' } });
  }
}
