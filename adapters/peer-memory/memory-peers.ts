import { setMaxListeners } from 'node:events';
import {
  KvError,
  MAX_PEER_BODY,
  noStream,
  PEER_PROTOCOL,
  PEER_TOPIC,
  type PeerAnswer,
  type PeerTransport,
  type ReceivedAnswer,
  toKvError,
} from '../../ports/index.js';
import type { PeerPlace, PlacedServer } from './place.js';

/** Who speaks, and to whom. */
export interface MemoryPeersOptions {
  readonly place: PeerPlace;
  readonly self: string;
  /** Servers of other clusters are refused; `memory` when absent. */
  readonly cluster?: string;
  /** The version that this side speaks; only tests give another. */
  readonly protocol?: number;
  /** How long a silent peer is waited for, ms. */
  readonly timeoutMs?: number;
}

/** Opens one server's side of a cluster that lives in one process. */
export function openMemoryPeers(options: MemoryPeersOptions): PeerTransport {
  const { place, self, cluster = 'memory', protocol = PEER_PROTOCOL, timeoutMs = 10_000 } = options;
  const closed = new AbortController();
  setMaxListeners(0, closed.signal); // each call under way listens
  let mine: PlacedServer | null = null;

  const refused = (reason: string, message: string): KvError => new KvError('PEER_REFUSED', message, { details: { reason } });

  /** What the other side finds wrong with whoever asks. */
  const check = (to: string, other: PlacedServer): void => {
    if (to === self) throw refused('self', `the server asked, ${to}, has this server's name`);
    if (other.cluster !== cluster)
      throw refused('cluster', `server ${to} is of cluster '${other.cluster}', and not of '${cluster}'`);
    if (Math.abs(other.protocol - protocol) > 1)
      throw refused('version', `server ${to} speaks version ${other.protocol} of the protocol, and this one ${protocol}`);
  };

  return {
    capabilities: { authenticated: true },
    self,

    get servers() {
      return [...new Set([...place.servers.keys(), self])].sort();
    },

    get address() {
      return mine === null ? null : `memory:${self}`;
    },

    async call(to, { topic, repository, body, stream = noStream() }, { signal, withinMs = timeoutMs } = {}) {
      if (closed.signal.aborted) throw new KvError('IO_ERROR', 'the transport in memory is closed', { hint: 'open another' });
      if (!PEER_TOPIC.test(topic)) throw new KvError('INPUT_INVALID', `'${topic}' is no topic`);
      if (body.length > MAX_PEER_BODY)
        throw new KvError('INPUT_INVALID', `a body of ${body.length} bytes is too long for a request`);
      const other = place.servers.get(to);
      if (other === undefined) throw new KvError('NOT_FOUND', `the address of server ${to} is not known`);
      check(to, other);
      const weather = place.weather(self, to, { topic, repository, body });
      const silence = new KvError('IO_ERROR', `server ${to} has not answered within ${withinMs} ms`, {
        hint: 'look whether it runs',
      });
      const answered = async (): Promise<ReceivedAnswer> => {
        await pause(typeof weather === 'number' ? weather : 0);
        if (weather === 'lost') return never;
        if (other.handler === null) throw new KvError('IO_ERROR', `server ${to} can't be reached`, { hint: 'start it' });
        const request = { from: self, topic, repository, body: Uint8Array.from(body), stream: copied(stream) };
        const answer = await handled(other.handler(request));
        return weather === 'unanswered'
          ? never
          : { body: Uint8Array.from(answer.body), stream: copied(answer.stream ?? noStream()) };
      };
      return await bounded(answered(), withinMs, silence, [closed.signal, ...(signal === undefined ? [] : [signal])]);
    },

    async serve(handler) {
      if (mine !== null) throw new KvError('CONFIG_INVALID', `server ${self} takes requests already`);
      mine = { cluster, protocol, handler };
      place.servers.set(self, mine);
    },

    meet() {
      // Whoever is in the place can be reached there.
    },

    async close() {
      closed.abort();
      if (mine === null) return;
      mine.handler = null;
    },
  };
}

const never = new Promise<never>(() => undefined);

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms > 0) setTimeout(resolve, ms);
    else setImmediate(resolve);
  });

async function handled(answer: Promise<PeerAnswer>): Promise<PeerAnswer> {
  try {
    return await answer;
  } catch (thrown) {
    const { code, message, hint, details } = toKvError(thrown);
    throw new KvError(code, message, { ...(hint === undefined ? {} : { hint }), ...(details === undefined ? {} : { details }) });
  }
}

/** Pieces that nobody else changes. What breaks off does so with `IO_ERROR`. */
async function* copied(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    for await (const piece of stream) yield Uint8Array.from(piece);
  } catch (cause) {
    throw new KvError('IO_ERROR', 'the stream of a peer broke off', { cause, hint: 'try again' });
  }
}

function bounded<T>(work: Promise<T>, ms: number, silence: KvError, signals: readonly AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(silence), ms);
    const stop = (): void => reject(new KvError('INTERRUPTED', 'the call to a peer was stopped'));
    for (const signal of signals) {
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
    }
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', stop);
    });
  });
}
