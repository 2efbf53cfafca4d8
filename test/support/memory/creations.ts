import { Creations } from '../../../domain/gateway/creation/creations.js';
import type { Creation, CreationAnswer, CreationMessage, Reservation } from '../../../domain/gateway/creation/records.js';
import type { CreationStore } from '../../../domain/gateway/creation/store.js';
import { KvError } from '../../../ports/error.js';
import { foldedName } from '../../../ports/grammar/repository-name.js';

/** What lies on one server's disk. */
export class MemoryCreationStore implements CreationStore {
  readonly kept = new Map<string, Reservation>();
  readonly repositories = new Map<string, string>();
  readonly log: Creation[] = [];
  /** Throws where a server has died: nothing it does counts any more. */
  alive: () => void = () => undefined;

  async reservations(): Promise<readonly Reservation[]> {
    return [...this.kept.values()];
  }
  async created(): Promise<readonly Creation[]> {
    return [...this.log];
  }
  async reserve(reservation: Reservation): Promise<void> {
    await this.pause();
    this.kept.set(foldedName(reservation.creation.repository), reservation);
  }
  async drop(repository: string): Promise<void> {
    await this.pause();
    this.kept.delete(foldedName(repository));
  }
  async make({ repository, repositoryId }: Creation): Promise<void> {
    await this.pause();
    const there = this.repositories.get(repository);
    if (there !== undefined && there !== repositoryId) throw new KvError('CAS_CONFLICT', `${repository} is another one`);
    this.repositories.set(repository, repositoryId);
  }
  async append(creation: Creation): Promise<void> {
    await this.pause();
    this.log.push(creation);
  }
  async taken(repository: string): Promise<string | null> {
    return [...this.repositories.keys()].find((one) => foldedName(one) === foldedName(repository)) ?? null;
  }
  check({ policy }: Creation): void {
    if (policy === 'bad') throw new KvError('CONFIG_INVALID', 'a bad policy');
  }
  private async pause(): Promise<void> {
    this.alive();
    await Promise.resolve();
    this.alive();
  }
}

/** Numbers from a seed, from 0 to 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Servers that create repositories, in one process, on a network that loses what `weather` says. */
export class MemoryCreationServers {
  readonly stores = new Map<string, MemoryCreationStore>();
  readonly servers = new Map<string, Creations>();
  readonly events: string[] = [];
  /** Whether a message, or the answer to it, arrives; how many turns of the loop it takes. */
  weather: (
    from: string,
    to: string,
    message: CreationMessage,
  ) => { readonly arrives: boolean; readonly answered: boolean; readonly turns: number } = () => ({
    arrives: true,
    answered: true,
    turns: 0,
  });
  private readonly lives = new Map<string, object>();
  private now = 1_700_000_000_000;

  constructor(
    readonly names: readonly string[],
    readonly random = seeded(1),
  ) {
    for (const name of names) this.stores.set(name, new MemoryCreationStore());
  }

  at(name: string): Creations {
    const server = this.servers.get(name);
    if (server === undefined) throw new Error(`${name} is down`);
    return server;
  }

  store(name: string): MemoryCreationStore {
    return this.stores.get(name) as MemoryCreationStore; // one for each name
  }

  async startAll(): Promise<void> {
    for (const name of this.names) await this.start(name);
  }

  /** Starts a server with what lies on its disk. */
  async start(self: string): Promise<void> {
    const life = {};
    this.lives.set(self, life);
    const alive = (): void => {
      if (this.lives.get(self) !== life) throw new KvError('INTERRUPTED', `${self} has died`);
    };
    const disk = this.store(self);
    const store: MemoryCreationStore = Object.create(disk) as MemoryCreationStore; // the same disk, as long as this life lasts
    store.alive = alive;
    const others = this.names.filter((name) => name !== self);
    const server = new Creations({
      ...{ self, store },
      peers: { count: others.length, known: () => others, ask: (peer, message) => this.carry(self, peer, message, alive) },
      clock: {
        now: () => (this.now += 1),
        sleep: async () => {
          for (let turn = 0; turn < 20; turn += 1) await turnOver();
          alive();
        },
      },
      randomness: { bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(this.random() * 256)) },
      observer: {
        learned: ({ repository }, from) => this.events.push(`${self} learned ${repository} from ${from}`),
        diverged: (repository, from) => this.events.push(`${self} diverged ${repository} from ${from}`),
        failed: () => undefined,
      },
    });
    await server.start();
    this.servers.set(self, server);
  }

  /** Ends a server at once, whatever it is doing. */
  crash(name: string): void {
    this.lives.delete(name);
    this.servers.delete(name);
  }

  /** All look after what is left, as often as that takes. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) for (const server of this.servers.values()) await server.tick();
  }

  private async carry(from: string, to: string, message: CreationMessage, alive: () => void): Promise<CreationAnswer> {
    const { arrives, answered, turns } = this.weather(from, to, message);
    for (let turn = 0; turn < turns; turn += 1) await turnOver();
    alive();
    const server = this.servers.get(to);
    if (!arrives || server === undefined) throw new KvError('IO_ERROR', `${to} can't be reached`);
    const answer = await server.answer(structuredClone(message));
    for (let turn = 0; turn < turns; turn += 1) await turnOver();
    alive();
    if (!answered) throw new KvError('IO_ERROR', `${to} does not answer`);
    return structuredClone(answer);
  }
}

const turnOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
