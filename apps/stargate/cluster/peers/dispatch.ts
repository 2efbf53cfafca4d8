import { KvError } from '../../../../ports/error.js';
import type { MetServers } from './met-servers.js';
import type { PeerAnswer, PeerTransport, ReceivedRequest } from '../../../../ports/stargate/peer-transport.js';

/** Answers the requests of one topic. */
export type TopicHandler = (request: ReceivedRequest) => Promise<PeerAnswer>;

/** Every topic, and what it is about. */
export const TOPICS = {
  /** Messages of the protocol about a repository. */
  replica: 'replica',
  /** Objects that a server lacks. */
  objects: 'objects',
  /** All refs and their objects, as of an entry. */
  snapshot: 'snapshot',
  /** The head, asked of the server that has the decision log. */
  head: 'head',
  /** The mirror shows an intent. */
  mirrored: 'mirrored',
  /** A command of a client, handed on to the leader. */
  forward: 'forward',
  /** What operators ask for. */
  control: 'control',
  /** A server says which process it is. */
  hello: 'hello',
} as const;

/**
 * Sees to it that what a request is about is there to answer it; gives what to call when it is answered, or the answer. `served`: somebody serves
 * its topic already. Throws to refuse it.
 */
export type Admit = (request: ReceivedRequest, served: boolean) => Promise<(() => void) | PeerAnswer>;

/** An answer's stream that nobody begins to read is given up, ms. */
const UNREAD_MS = 60_000;

/** Hands the requests that a server gets to whoever serves their topic, for a repository or for the server. */
export class PeerDispatch {
  private readonly handlers = new Map<string, TopicHandler>();

  constructor(
    readonly transport: PeerTransport,
    /** Asked before a request about a repository is handed on; absent: what is served is there. */
    private readonly admit?: Admit,
    private readonly met?: MetServers,
  ) {}

  /** From now on a server is at this address, and after a start where that is kept. Throws as `MetServers.meet` does. */
  async meet(server: string, address: string): Promise<void> {
    if (this.met === undefined) this.transport.meet(server, address);
    else await this.met.meet(server, address);
  }

  /** Takes requests from now on. */
  start(): Promise<void> {
    return this.transport.serve((request) => this.handle(request));
  }

  /** Serves a topic about a repository; the empty text for the server. Gives what ends that. */
  on(topic: string, repository: string, handler: TopicHandler): () => void {
    const name = nameOf({ topic, repository });
    if (this.handlers.has(name)) throw new KvError('CONFIG_INVALID', `'${topic}' of '${repository}' is served already`);
    this.handlers.set(name, handler);
    return () => void this.handlers.delete(name);
  }

  private async handle(request: ReceivedRequest): Promise<PeerAnswer> {
    if (request.repository === '' || this.admit === undefined) return this.answer(request);
    const admitted = await this.admit(request, this.handlers.has(nameOf(request)));
    if (typeof admitted !== 'function') return admitted;
    try {
      const answer = await this.answer(request);
      if (answer.stream !== undefined) return { ...answer, stream: readThen(answer.stream, admitted) };
      admitted();
      return answer;
    } catch (error) {
      admitted();
      throw error;
    }
  }

  private async answer(request: ReceivedRequest): Promise<PeerAnswer> {
    const handler = this.handlers.get(nameOf(request));
    if (handler !== undefined) return await handler(request);
    throw new KvError('NOT_FOUND', `server ${this.transport.self} serves no '${request.topic}' of '${request.repository}'`);
  }
}

const nameOf = ({ topic, repository }: { readonly topic: string; readonly repository: string }): string =>
  `${topic} ${repository}`;

/** A stream, at whose end something is called: also where nobody reads it. */
function readThen(stream: AsyncIterable<Uint8Array>, ended: () => void): AsyncIterable<Uint8Array> {
  const unread = setTimeout(ended, UNREAD_MS);
  unread.unref();
  return (async function* () {
    clearTimeout(unread);
    try {
      yield* stream;
    } finally {
      ended();
    }
  })();
}
