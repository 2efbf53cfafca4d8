import { newPrivateKey, ownKey } from '../../../apps/ssh-signature.js';
import type { Random } from '../../simulation/random.js';
import { type ClusterServer, PATIENCE } from '../../support/worlds/cluster-server.js';
import { ClusterWorld, type ClusterWorldOptions } from '../../support/worlds/cluster-world.js';
import { IntentClient } from '../../support/programs/intent-stream.js';
import { IntentMaker } from '../../support/formats/intents.js';
import { until } from '../../support/until.js';
import { Board } from '../board.js';
import { CliPerson } from '../cli-people.js';
import { Recorder } from '../history.js';
import { StreamWriter } from '../stream-writer.js';

/** Whose keys streams are opened with: one key may hold half of a Stargate's places. */
const STREAMERS = ['bob', 'eve', 'joe'] as const;
/** How soon a writer looks elsewhere, ms: the longest time without a leader is measured with these. */
const PAUSE_MS = 150;
const PATIENCE_MS = 5000;
/** Those who write to a linear and a sequenced ledger of a cluster, and what they were told. */
export class ClusterPeople {
  readonly recorder = new Recorder(() => performance.now());
  readonly board: Board;
  readonly streams: StreamWriter[] = [];
  readonly callers: CliPerson[] = [];

  private constructor(
    readonly world: ClusterWorld,
    random: Random,
  ) {
    this.board = new Board(random);
  }

  /** Makes a cluster, and so many who write by streams and by commands; half of the callers write the linear ledger. */
  static async of(
    options: Omit<ClusterWorldOptions, 'policy' | 'people'>,
    counts: { readonly streams: number; readonly callers: number },
    { random, over }: { readonly random: Random; readonly over: () => boolean },
  ): Promise<ClusterPeople> {
    const key = ownKey(newPrivateKey());
    const world = await ClusterWorld.create({
      ...options,
      people: STREAMERS,
      policy: (text, publicKey) => {
        const writers = [`${key.material} streams`, ...['ada', ...STREAMERS].map(publicKey)];
        const list = writers.map((line) => `'${line}'`).join(', ');
        return text.replace(/^namespaces:\n/m, (line) => `${line}  seq: { ledger_mode: sequenced, writers: [${list}] }\n`);
      },
    });
    try {
      const people = new ClusterPeople(world, random);
      await people.arrive(counts, key, over);
      return people;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  private async arrive(
    counts: { readonly streams: number; readonly callers: number },
    key: ReturnType<typeof ownKey>,
    over: () => boolean,
  ): Promise<void> {
    const { world, board, recorder } = this;
    const first = IntentClient.open(await world.leader(), 'ada');
    const { repository } = await first.greeting();
    first.end();
    const maker = new IntentMaker({ signer: () => key }, repository, 'sha1');
    for (let at = 0; at < counts.streams; at++) {
      const way = { target: this.wayOf(at), pauseMs: PAUSE_MS, patienceMs: PATIENCE_MS };
      const person = STREAMERS[at % STREAMERS.length] as string; // there are some
      this.streams.push(new StreamWriter(way, maker, board, recorder, `stream-${at}`, person, over));
    }
    const clones = {
      kv: (clone: string, args: readonly string[], { signal }: { readonly signal?: AbortSignal } = {}) =>
        world.run('git', ['kv', ...args], {
          cwd: world.clonePath(clone),
          env: { ...world.env, GIT_SSH_COMMAND: [world.env['GIT_SSH_COMMAND'], ...PATIENCE].join(' ') },
          ...(signal === undefined ? {} : { signal }),
        }),
    };
    for (let at = 0; at < counts.callers; at++) {
      await world.makeClone(`caller-${at}`);
      this.callers.push(new CliPerson(clones, board, recorder, `caller-${at}`, over));
    }
  }

  /** Whoever says that it leads, else one server after the other. */
  private wayOf(from: number): (failed: boolean) => ClusterServer {
    let turn = from;
    return (failed) => {
      if (failed) turn++;
      const { servers } = this.world;
      const server = servers.find(({ leads }) => leads && !failed) ?? (servers[turn % servers.length] as ClusterServer);
      return server;
    };
  }

  /** Waits until all servers, and the mirror, show the same. */
  async level(): Promise<void> {
    const { world } = this;
    await world.level();
    const [first] = world.servers;
    if (first === undefined) return;
    const mirrored = async (): Promise<boolean> => {
      const refs = await first.refs();
      const there = await world.git(world.mirror, 'ada', ['for-each-ref', '--format=%(refname) %(objectname)']);
      const shown = new Set(there.stdout.split('\n'));
      return refs.split('\n').every((line) => shown.has(line));
    };
    await until('the mirror shows what the servers show', mirrored, { clue: () => world.logs() });
  }
}
