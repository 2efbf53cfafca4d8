import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { SecureContext } from 'node:tls';
import { KvError, shownUrl } from '../../ports/index.js';

/** More than any answer to what is asked here; the rest of a longer one is not read. Bytes. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** What one endpoint has answered. */
export interface EtcdAnswer {
  readonly status: number;
  readonly text: string;
}

/** What is asked. */
export interface Post {
  readonly path: string;
  /** JSON. */
  readonly body: string;
  /** What a login has given; undefined without one. */
  readonly token?: string | undefined;
}

/** Thrown when the time was over before the answer was whole. */
export class Silence extends Error {}

/** One etcd server's client address, and the connections to it. */
export class Endpoint {
  private agent: HttpAgent | HttpsAgent | undefined;

  private constructor(
    /** As it is shown to people. */
    readonly name: string,
    private readonly url: URL,
  ) {}

  /** Reads an address: `http://HOST:PORT` or `https://HOST:PORT`. Throws `CONFIG_INVALID`. */
  static parse(text: string): Endpoint {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url !== undefined && /^https?:$/.test(url.protocol) && /^https?:\/\/[^/?#@]+\/?$/i.test(text);
    if (url !== undefined && plain) return new Endpoint(url.origin, url);
    throw new KvError('CONFIG_INVALID', `endpoints: '${shownUrl(text)}' is no address of an etcd server`, {
      hint: 'write http://HOST:PORT or https://HOST:PORT, without a path or a user',
    });
  }

  /** It is asked over TLS. */
  get secure(): boolean {
    return this.url.protocol === 'https:';
  }

  /**
   * Posts JSON and gives the whole answer. Throws `Silence` after `limitMs`, and what a connection fails with. `again`: a connection that
   * the other side has closed while nobody used it is no failure, a new one is made.
   */
  async post(
    { path, body, token }: Post,
    limitMs: number,
    identity: SecureContext | undefined,
    again: boolean,
  ): Promise<EtcdAnswer> {
    const ends = performance.now() + limitMs;
    const post = { path, body, token };
    try {
      return await this.once(post, limitMs, identity);
    } catch (error) {
      const left = ends - performance.now();
      if (!again || left <= 0 || !(error instanceof StaleConnection))
        throw error instanceof StaleConnection ? error.cause : error;
      this.forget();
      return await this.once(post, left, identity).catch((second: unknown) => {
        throw second instanceof StaleConnection ? second.cause : second;
      });
    }
  }

  /** Closes the connections that nothing waits for; the next request makes a new one, by the identity of then. */
  forget(): void {
    for (const idle of Object.values(this.agent?.freeSockets ?? {}).flat()) idle?.destroy();
  }

  /** Closes all connections. */
  close(): void {
    this.agent?.destroy();
  }

  private once({ path, body, token }: Post, limitMs: number, identity: SecureContext | undefined): Promise<EtcdAnswer> {
    this.agent ??= this.secure ? new HttpsAgent({ keepAlive: true, maxCachedSessions: 0 }) : new HttpAgent({ keepAlive: true });
    const login = token === undefined ? {} : { authorization: token };
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...login };
    const options = { method: 'POST', agent: this.agent, headers };
    const url = new URL(path, this.url);
    return new Promise((resolve, reject) => {
      const request = this.secure
        ? httpsRequest(url, { ...options, ...(identity === undefined ? {} : { secureContext: identity }) })
        : httpRequest(url, options);
      const timer = setTimeout(() => request.destroy(new Silence()), limitMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        const { code } = error as NodeJS.ErrnoException;
        reject(
          request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') ? new StaleConnection('', { cause: error }) : error,
        );
      };
      request.once('error', fail);
      request.once('response', (response) => {
        const pieces: Buffer[] = [];
        let bytes = 0;
        response.on('data', (piece: Buffer) => {
          bytes += piece.length;
          pieces.push(piece);
          if (bytes > MAX_ANSWER) request.destroy(new Error(`its answer has more than ${MAX_ANSWER} bytes`));
        });
        response.once('error', fail);
        response.once('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') });
        });
      });
      request.end(body);
    });
  }
}

/** A connection that was kept for later, and had been closed by the other side. */
class StaleConnection extends Error {}
