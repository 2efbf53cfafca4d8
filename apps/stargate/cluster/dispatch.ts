import { KvError } from '../../../ports/error.js';
import type { MetServers } from './met-servers.js';
import type { PeerAnswer, PeerTransport, ReceivedRequest } from '../../../ports/stargate/peer-transport.js';

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
} as const;

/** Hands the requests that a server gets to whoever serves their topic, for a repository or for the server. */
export class PeerDispatch {
  private readonly handlers = new Map<string, TopicHandler>();

  constructor(
    readonly transport: PeerTransport,
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
    const name = `${topic} ${repository}`;
    if (this.handlers.has(name)) throw new KvError('CONFIG_INVALID', `'${topic}' of '${repository}' is served already`);
    this.handlers.set(name, handler);
    return () => void this.handlers.delete(name);
  }

  private async handle(request: ReceivedRequest): Promise<PeerAnswer> {
    const handler = this.handlers.get(`${request.topic} ${request.repository}`);
    if (handler !== undefined) return await handler(request);
    throw new KvError('NOT_FOUND', `server ${this.transport.self} serves no '${request.topic}' of '${request.repository}'`);
  }
}
