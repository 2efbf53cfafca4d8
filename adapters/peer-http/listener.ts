import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { pipeline } from 'node:stream/promises';
import {
  formatRejection,
  KvError,
  PEER_OPERATOR,
  PEER_TOPIC,
  type PeerAnswer,
  type PeerHandler,
  toKvError,
} from '../../ports/index.js';
import { encodeFrames, FrameReader } from './frames.js';
import { namesOf } from './identity.js';
import { type ClusterKey, isMac } from './keys.js';
import { badFrame, refusal } from './refusal.js';
import { Replays } from './replays.js';
import { digestOf, headIn, proofOf, type SealedHead, sealAnswer, sealRequest, versionIn } from './seal.js';
import type { PeerSide } from './side.js';

/** More connections than any cluster makes. */
const MAX_CONNECTIONS = 256;
/** How long the beginning of an answer's stream may take, ms. */
const MOST_WORKING_MS = 3_600_000;

/** How much of a request that nobody reads is taken before its connection is closed, bytes. */
const MAX_LEFT = 16 * 1024 * 1024;

/** A request whose sender is known. */
interface Proved {
  readonly head: SealedHead;
  readonly key: ClusterKey | null;
  readonly topic: string;
  readonly repository: string;
}

/** Takes requests of the cluster's other servers. */
export class PeerListener {
  private readonly replays: Replays;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly side: PeerSide,
    private readonly handler: PeerHandler,
    private readonly server: Server,
  ) {
    this.replays = new Replays(side.toleranceMs, side.now);
    server.maxConnections = MAX_CONNECTIONS;
    server.requestTimeout = 0; // a pack takes as long as it takes; silence ends it
    server.headersTimeout = side.timeoutMs;
    server.timeout = 2 * side.timeoutMs;
    server.keepAliveTimeout = 600_000; // the other side closes first
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.serve(request, response));
  }

  /** Listens. Throws `PEER_REFUSED` where it would take plain requests of anybody, `IO_ERROR` where it can't listen. */
  static async listen(side: PeerSide, host: string, port: number, handler: PeerHandler): Promise<PeerListener> {
    const { identity } = side;
    const server: Server =
      identity === null ? createServer() : createSecureServer({ ...identity, requestCert: true, rejectUnauthorized: true });
    const listener = new PeerListener(side, handler, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) =>
        reject(
          new KvError('IO_ERROR', `cannot listen on ${host}:${port} for peers (${cause.code ?? cause.message})`, {
            cause,
            hint: 'choose an address of this host, and a port that is free',
          }),
        ),
      );
      server.listen(port, host, resolve);
    });
    return listener;
  }

  /** Where it listens. */
  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.server.address() as AddressInfo; // it listens on a port
    return { host: address, port };
  }

  /** Stops, with everything under way. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined); // whoever asked is gone: it asks again
    request.on('error', () => undefined);
    const reader = new FrameReader(request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>);
    let proved: Proved | null = null;
    try {
      proved = await this.prove(request);
      const { head, key, topic, repository } = proved;
      const body = await reader.body();
      if (digestOf(body) !== head.body) throw badFrame('its body was changed on its way');
      this.replays.admit(head.from, head.time, head.nonce); // only now: what was proved is remembered
      const stream = reader.stream(proofOf(key, head.nonce, 'request'));
      const answer = await this.handler({ from: head.from, topic, repository, body, stream });
      await send(response, 200, answer.stream === undefined ? answer : await this.begun(response, answer, answer.stream), proved);
    } catch (thrown) {
      const error = toKvError(thrown);
      const status = error.code === 'PEER_REFUSED' ? 403 : 500;
      const answer = { body: Buffer.from(formatRejection(error)) };
      await send(response, status, answer, proved).catch(() => undefined); // it could not be told: its caller hears that it broke off
    }
    if (!reader.isOver) leave(request);
  }

  /**
   * An answer whose stream has begun to come, or is over. What it takes to begin it may say nothing for long, such as git that counts objects:
   * until then the caller hears at times that this server is at it.
   */
  private async begun(response: ServerResponse, { body }: PeerAnswer, stream: AsyncIterable<Uint8Array>): Promise<PeerAnswer> {
    const source = stream[Symbol.asyncIterator]();
    const began = performance.now();
    const telling = setInterval(() => {
      if (response.destroyed || performance.now() - began > MOST_WORKING_MS) clearInterval(telling);
      else response.writeProcessing();
    }, this.side.timeoutMs / 3);
    const first = await source.next().finally(() => clearInterval(telling));
    return { body, stream: following(first, source) };
  }

  /** Who asks, and for what. Throws `PEER_REFUSED`. */
  private async prove(request: IncomingMessage): Promise<Proved> {
    const { side } = this;
    const { socket, headers, url = '' } = request;
    if (side.identity === null && !side.trusted.has(socket.remoteAddress ?? ''))
      throw refusal('plain', `server ${side.self} is spoken to without TLS from outside of the trusted networks`);
    const version = versionIn(headers);
    if (version === null) throw badFrame('it names no version of the protocol');
    if (Math.abs(version - side.protocol) > 1)
      throw refusal(
        'version',
        `server ${side.self} speaks version ${side.protocol} of the protocol, and who asks it speaks version ${version}`,
        'bring them to versions that are one apart at the most',
      );
    const found = /^\/git-kv\/peer\/([^/?]+)(?:\?repository=([^&]+))?$/.exec(url);
    const topic = found?.[1] ?? '';
    if (request.method !== 'POST' || !PEER_TOPIC.test(topic)) throw badFrame('it is for nothing that a server is asked for');
    const head = headIn(headers, url);
    if (head.cluster !== side.cluster)
      throw refusal('cluster', `server ${side.self} is of cluster '${side.cluster}', and not of '${head.cluster}'`);
    const key = await this.keyOf(head);
    this.proveName(head, socket);
    if (head.from === side.self)
      throw refusal('self', `two servers are called '${side.self}', or an address of ${side.self} is given for another server`);
    if (head.to !== side.self)
      throw refusal('name', `this is server ${side.self}, and not ${head.to}`, 'correct the addresses of the servers');
    return { head, key, topic, repository: decoded(found?.[2] ?? '') };
  }

  /** The key that proves a head; null where TLS does. */
  private async keyOf(head: SealedHead): Promise<ClusterKey | null> {
    const { keys, self } = this.side;
    if (keys === null) return null;
    const key = (await keys.current()).find(({ id }) => id === head.key);
    if (key !== undefined && isMac(head.mac ?? '', sealRequest(key, head))) return key;
    const why =
      head.key === null ? 'with no key' : key === undefined ? `with key '${head.key}'` : `with another key '${head.key}'`;
    throw refusal('key', `server ${self} was asked ${why}, which is none of its cluster's`, 'give all servers one file of keys');
  }

  private proveName({ from }: SealedHead, socket: Socket): void {
    if (!(socket instanceof TLSSocket) || from === PEER_OPERATOR) return; // whoever has a certificate of the cluster
    const names = namesOf(socket);
    const host = this.side.addresses.get(from)?.host;
    if (names.includes(from) || (host !== undefined && names.includes(host))) return;
    throw refusal('key', `the certificate of whoever calls itself ${from} is of ${names.join(', ') || 'nobody'}`);
  }
}

/** What a source gives, of which the first was taken. */
async function* following(first: IteratorResult<Uint8Array>, source: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await source.next()) yield next.value;
  } finally {
    await source.return?.();
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badFrame('it names no repository'); // percent signs without their digits
  }
}

async function send(
  response: ServerResponse,
  status: number,
  { body, stream }: PeerAnswer,
  proved: Proved | null,
): Promise<void> {
  const key = proved?.key ?? null;
  const nonce = proved?.head.nonce ?? '';
  response.writeHead(status, {
    'content-type': 'application/octet-stream',
    ...(key === null ? {} : { 'git-kv-mac': sealAnswer(key, nonce, status, digestOf(body)).toString('hex') }),
  });
  await pipeline(encodeFrames(body, stream, proofOf(key, nonce, 'answer')), response);
}

/** Takes the rest of what nobody reads, so that the answer arrives; but not without end. */
function leave(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MAX_LEFT) request.destroy();
  });
  request.resume();
}
