import type { CreationAnswer, CreationMessage } from '../../../../domain/gateway/creation/records.js';
import type { CreationPeers } from '../../../../domain/gateway/creation/store.js';
import { decodeCreationAnswer, encodeCreation } from '../../../../domain/gateway/creation/wire.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';

/** The other servers, as far as they are known. */
export interface Roster extends CreationPeers {
  /** How many of the others answered when they were asked last. */
  readonly reachable: number;
  /** Why some of the others don't count, in words; empty when all that were found do. */
  readonly wrong: readonly string[];
  /** What this server's `/health` says to the others. */
  headers(): Readonly<Record<string, string>>;
  /** Set where one server alone has the decision log: its name, once it is known. */
  needed: () => string | null;
  /** Looks who is there. Never throws. */
  find(): Promise<void>;
}

/** The topic of requests about creations. */
export const TOPIC = 'creation';

/**
 * A vote takes a disk's sync; making a repository takes git a second on a busy machine. Together they are less than a listener lets a connection
 * be on which nothing moves. Milliseconds.
 */
const ANSWER_MS = 4000;
const COMMIT_MS = 8000;

/** Asks another server about creations. Throws what the transport throws. */
export async function askOfCreations(transport: PeerTransport, peer: string, message: CreationMessage): Promise<CreationAnswer> {
  const withinMs = message.kind === 'commit' ? COMMIT_MS : ANSWER_MS;
  const { body } = await transport.call(peer, { topic: TOPIC, repository: '', body: encodeCreation(message) }, { withinMs });
  return decodeCreationAnswer(body);
}

/** The servers that a profile names. */
export class NamedServers implements Roster {
  private readonly away = new Set<string>();

  constructor(private readonly transport: PeerTransport) {}

  get count(): number {
    return this.known().length;
  }

  get reachable(): number {
    return this.known().filter((peer) => !this.away.has(peer)).length;
  }

  readonly wrong: readonly string[] = [];
  needed: () => string | null = () => null;

  known(): readonly string[] {
    return this.transport.servers.filter((server) => server !== this.transport.self);
  }

  servers(): readonly string[] {
    return this.transport.servers;
  }

  headers(): Readonly<Record<string, string>> {
    return {};
  }

  async find(): Promise<void> {
    // They are named: who is there is heard when they are asked.
  }

  async ask(peer: string, message: CreationMessage): Promise<CreationAnswer> {
    try {
      const answer = await askOfCreations(this.transport, peer, message);
      this.away.delete(peer);
      return answer;
    } catch (error) {
      this.away.add(peer);
      throw error;
    }
  }
}
