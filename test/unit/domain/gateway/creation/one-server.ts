import { Creations } from '../../../../../domain/gateway/creation/creations.js';
import type { Creation, CreationAnswer, CreationMessage } from '../../../../../domain/gateway/creation/records.js';
import type { CreationPeers } from '../../../../../domain/gateway/creation/store.js';
import { KvError } from '../../../../../ports/error.js';
import { MemoryCreationStore } from '../../../../support/memory/creations.js';

/** When creations of these tests are begun: ULIDs, the first one before the second. */
export const [EARLY, LATE] = [`${'0'.repeat(26)}-1`, `7${'Z'.repeat(25)}-1`];

/** A creation by the server `two`. */
export const creation = (change: Partial<Creation> = {}): Creation => ({
  ...{ id: EARLY, repository: 'ada/shop', policy: 'p', repositoryId: 'ab'.repeat(16), objectFormat: 'sha1', coordinator: 'two' },
  ...change,
});

/** A disk that keeps in mind what was made, and fails where a test says so. */
class Disk extends MemoryCreationStore {
  /** What was made, and whether others are said to have it already. */
  readonly made: (readonly [repository: string, learned: boolean | undefined])[] = [];
  /** The steps that can't be done. */
  readonly full = new Set<'make' | 'drop' | 'decide'>();

  override async make(one: Creation, learned?: boolean): Promise<void> {
    this.require('make');
    await super.make(one);
    this.made.push([one.repository, learned]);
  }
  override async drop(repository: string): Promise<void> {
    this.require('drop');
    await super.drop(repository);
  }
  override async reserve(reservation: Parameters<MemoryCreationStore['reserve']>[0]): Promise<void> {
    if (reservation.state === 'decided') this.require('decide');
    await super.reserve(reservation);
  }
  private require(step: 'make' | 'drop' | 'decide'): void {
    if (this.full.has(step)) throw new KvError('STORAGE_FULL', `no room to ${step}`);
  }
}

/** The server `one` of `one`, `two` and `three`, with nobody around it but what a test says. */
export class OneServer {
  readonly disk = new Disk();
  /** What it has asked whom. */
  readonly asked: (readonly [peer: string, message: CreationMessage])[] = [];
  /** What its observer was told. */
  readonly told: string[] = [];
  /** How long it has waited between tries, ms. */
  readonly naps: number[] = [];
  readonly removed = new Set<string>();
  server: Creations;

  constructor(
    /** What the others answer. */
    public answers: (message: CreationMessage, peer: string) => CreationAnswer | Promise<CreationAnswer> = willing,
    peers: Partial<CreationPeers> = {},
  ) {
    this.server = this.made(peers);
  }

  private made(peers: Partial<CreationPeers>): Creations {
    return new Creations({
      ...{ self: 'one', store: this.disk, isRemoved: (id) => this.removed.has(id) },
      peers: {
        ...{ count: 2, known: () => ['two', 'three'] },
        ask: async (peer, message) => {
          this.asked.push([peer, structuredClone(message)]);
          return this.answers(message, peer);
        },
        ...peers,
      },
      clock: { now: () => 1_700_000_000_000, sleep: async (ms) => void this.naps.push(ms) },
      randomness: { bytes: (count) => new Uint8Array(count).fill(128) },
      observer: {
        learned: ({ repository }, from) => this.told.push(`learned ${repository} from ${from}`),
        diverged: (repository, from) => this.told.push(`diverged ${repository} from ${from}`),
        failed: (what) => this.told.push(`failed ${what}`),
      },
    });
  }

  /** Begins again with what lies on its disk. */
  async restart(): Promise<void> {
    this.server = this.made({});
    await this.server.start();
  }

  /** What it votes on a creation of another server's. */
  async vote(one: Creation, servers = 3): Promise<string> {
    const answer = await this.server.answer({ kind: 'prepare', creation: one, servers });
    return answer.kind === 'vote' ? answer.vote : answer.kind;
  }

  /** What it says has become of a creation. */
  async outcome({ id, repository }: Creation): Promise<string> {
    const answer = await this.server.answer({ kind: 'outcome', id, repository });
    return answer.kind === 'outcome' ? answer.outcome : answer.kind;
  }

  /** The names that its disk keeps, with how far each creation has come. */
  get kept(): Record<string, string> {
    return Object.fromEntries([...this.disk.kept.values()].map((one) => [one.creation.repository, one.state]));
  }
}

/** Votes for everything, does everything, and has created nothing. */
export function willing({ kind }: CreationMessage): CreationAnswer {
  if (kind === 'prepare') return { kind: 'vote', vote: 'yes' };
  if (kind === 'outcome') return { kind: 'outcome', outcome: 'pending' };
  return kind === 'since' ? { kind: 'created', creations: [], last: 0 } : { kind: 'done' };
}
