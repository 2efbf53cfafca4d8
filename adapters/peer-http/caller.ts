import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { type CallOptions, KvError, parseRejection, type PeerRequest, type ReceivedAnswer } from '../../ports/index.js';
import type { PeerAddress } from './addresses.js';
import { encodeFrames, FrameReader } from './frames.js';
import { type ClusterKey, isMac } from './keys.js';
import { badFrame, refusal } from './refusal.js';
import { digestOf, headersOf, proofOf, sealAnswer } from './seal.js';
import { type PeerSide, pathOf } from './side.js';

/** How long a connection is kept that nobody uses, ms: less than the other side keeps it. */
const IDLE_MS = 60_000;

/** Asks the cluster's other servers, over connections that are kept. */
export class PeerCaller {
  private readonly plain = new HttpAgent({ keepAlive: true, timeout: IDLE_MS, maxSockets: 16 });
  private readonly secure: HttpsAgent | null;

  constructor(private readonly side: PeerSide) {
    const { identity } = side;
    this.secure = identity === null ? null : new HttpsAgent({ ...identity, keepAlive: true, timeout: IDLE_MS, maxSockets: 16 });
  }

  /** Makes one request. See the port. */
  async call(to: string, address: PeerAddress, asked: PeerRequest, options: CallOptions): Promise<ReceivedAnswer> {
    const { side } = this;
    const key = (await side.keys?.current())?.[0] ?? null;
    const path = pathOf(asked.topic, asked.repository);
    const nonce = randomBytes(16).toString('base64url');
    const head = {
      ...{ version: side.protocol, cluster: side.cluster, from: side.self, to, time: side.now(), nonce, path },
      body: digestOf(asked.body),
    };
    const request = this.begin(address, path, headersOf(head, key));
    const response = await this.answerOf(to, request, options, () => {
      const frames = encodeFrames(asked.body, asked.stream, proofOf(key, nonce, 'request'));
      pipeline(frames, request, () => undefined); // where it fails, the request does
    });
    return await this.read(to, response, key, nonce);
  }

  /** Closes all connections. */
  close(): void {
    this.plain.destroy();
    this.secure?.destroy();
  }

  private begin({ url, host, secure }: PeerAddress, path: string, headers: Record<string, string>): ClientRequest {
    const target = new URL(path, url);
    const options = { method: 'POST', headers: { ...headers, 'content-type': 'application/octet-stream' } };
    if (!secure) return httpRequest(target, { ...options, agent: this.plain });
    if (this.secure !== null) return httpsRequest(target, { ...options, agent: this.secure });
    throw new KvError('CONFIG_INVALID', `${host} is spoken to over TLS, and this server has no certificate`, {
      hint: "give 'ca', 'cert' and 'certKey'",
    });
  }

  private answerOf(to: string, request: ClientRequest, options: CallOptions, send: () => void): Promise<IncomingMessage> {
    const { signal, withinMs } = options;
    const silent = (ms: number): KvError =>
      new KvError('IO_ERROR', `server ${to} has said nothing for ${ms} ms`, { hint: 'look whether it runs, and can be reached' });
    return new Promise((resolve, reject) => {
      const stop = (error: KvError): void => {
        reject(error);
        request.destroy(error);
      };
      const interrupt = (): void => stop(new KvError('INTERRUPTED', `the call to server ${to} was stopped`));
      const timer = withinMs === undefined ? undefined : setTimeout(() => stop(silent(withinMs)), withinMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', interrupt);
      };
      if (signal?.aborted) interrupt();
      signal?.addEventListener('abort', interrupt, { once: true });
      request.setNoDelay(true);
      request.setTimeout(this.side.timeoutMs, () => stop(silent(this.side.timeoutMs)));
      request.on('error', (cause) => {
        settle();
        reject(failure(to, cause));
      });
      request.on('response', (response) => {
        settle();
        resolve(response);
      });
      send();
    });
  }

  /** Reads what was answered. An answer that its sender has not proved is believed only where it refuses. */
  private async read(to: string, response: IncomingMessage, key: ClusterKey | null, nonce: string): Promise<ReceivedAnswer> {
    const reader = new FrameReader(told(to, response));
    const status = response.statusCode ?? 0;
    const body = await reader.body();
    const mac = response.headers['git-kv-mac'];
    const proved = key === null || (typeof mac === 'string' && isMac(mac, sealAnswer(key, nonce, status, digestOf(body))));
    const stream = reader.stream(proofOf(proved ? key : null, nonce, 'answer'));
    if (status === 200 && proved) return { body, stream };
    for await (const _ of stream) throw badFrame('a refusal with a stream');
    const error = parseRejection(body.toString('utf8'));
    if (error !== undefined && (proved || error.code === 'PEER_REFUSED')) throw error;
    throw proved
      ? badFrame(`an answer of status ${status}`)
      : refusal('key', `whoever answers for server ${to} has not proved to be of the cluster`);
  }
}

/** What a response brings; where it breaks off, the server is named. */
async function* told(to: string, response: IncomingMessage): AsyncIterable<Buffer> {
  try {
    for await (const piece of response) yield piece as Buffer; // no encoding is set
  } catch (cause) {
    throw failure(to, cause as Error);
  }
}

function failure(to: string, cause: Error): KvError {
  if (KvError.is(cause)) return cause;
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (/^(ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code))
    return refusal('key', `the certificates of server ${to} and of this one don't fit (${code})`);
  return new KvError('IO_ERROR', `server ${to} can't be reached, or broke off (${code || cause.message})`, {
    cause,
    hint: 'look whether it runs, and can be reached',
  });
}
