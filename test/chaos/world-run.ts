import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newPrivateKey, ownKey } from '../../apps/ssh-signature.js';
import { Random } from '../simulation/random.js';
import { TestEtcd } from '../support/programs/etcd.js';
import { IntentClient } from '../support/programs/intent-stream.js';
import { IntentMaker } from '../support/formats/intents.js';
import { ROOT } from '../support/root.js';
import { World } from '../support/worlds/world.js';
import { Board, SHARED } from './board.js';
import { CliPerson } from './cli-people.js';
import { type History, type Ledger, Recorder } from './history.js';
import { twoLedgers } from './memory-run.js';
import { StreamWriter } from './stream-writer.js';
import { worldLedger } from './world-ledger.js';

/** What happens to a Stargate and those who use it. */
export interface WorldPlan {
  readonly seed: number;
  readonly writers: number;
  /** How many writers of each ledger call `git kv`; one in eight when absent. The others are streams, one at the least. */
  readonly commands?: number;
  readonly seconds: number;
  /** It goes on until so many writes of each ledger were acknowledged, and a Stargate was killed, however slow the machine is. */
  readonly least: number;
  /** The Stargate's lease is a key of etcd, which ends while the process is stopped; else a lock, which stays. */
  readonly etcd: boolean;
}

/** What has happened. */
export interface WorldReport {
  readonly history: History;
  readonly ledgers: readonly Ledger[];
  /** How often each fault happened. */
  readonly faults: Readonly<Record<Fault, number>>;
}

/** What is done to them. */
export type Fault = 'stream killed' | 'command killed' | 'Stargate killed' | 'Stargate stopped';

const LEASE_S = 3;
/** How long a Stargate is stopped: past its lease, ms. */
const STOPPED_MS = 1000 * (LEASE_S + 1);
/** Where nobody's lease ends. */
const SHORT_STOP_MS = 700;
/** So many writes are acknowledged between two faults, however slow the machine is. */
const BETWEEN_FAULTS = 3;
const LOOK_MS = 20;
/** Each so manieth writer calls `git kv`, of each ledger, unless the plan says how many. */
const CALLERS = 8;

/** Whose keys streams are opened with: one key may hold half of a Stargate's places. */
const STREAMERS = ['bob', 'eve', 'joe'];

/** Writers of a linear and a sequenced ledger, as processes, with a Stargate that is killed and stopped under them. */
export class WorldRun {
  private readonly random: Random;
  private readonly recorder = new Recorder(() => performance.now());
  private readonly faults: Record<Fault, number> = {
    'stream killed': 0,
    'command killed': 0,
    'Stargate killed': 0,
    'Stargate stopped': 0,
  };
  private until = 0;

  private constructor(
    private readonly world: World,
    private readonly plan: WorldPlan,
  ) {
    this.random = new Random(plan.seed);
  }

  /** Lets it all happen, and gives what there is to check. */
  static async of(plan: WorldPlan): Promise<WorldReport> {
    const etcd = plan.etcd ? await TestEtcd.start() : null;
    const key = ownKey(newPrivateKey());
    try {
      const world = await World.create({
        writers: ['ada', ...STREAMERS],
        policy: (text) => twoLedgers(text.replace(/(\n {4}writers:\n)/, `$1      - "${key.material} streams"\n`)),
        ...(etcd === null ? {} : { profile: await leased(etcd) }),
      });
      try {
        return await new WorldRun(world, plan).run(key);
      } finally {
        await world.close();
      }
    } finally {
      await etcd?.stop();
    }
  }

  private async run(key: ReturnType<typeof ownKey>): Promise<WorldReport> {
    const { world, plan, recorder, random } = this;
    const first = IntentClient.open(world, 'ada');
    const { repository } = await first.greeting();
    first.end();
    const maker = new IntentMaker({ signer: () => key }, repository, world.hash);
    const board = new Board(random);
    const over = (): boolean => {
      const enough = ['main', 'seq'].every((ns) => board.count(ns) >= plan.least) && this.faults['Stargate killed'] > 0;
      return performance.now() > this.until && enough;
    };
    const callers = plan.commands ?? Math.max(1, Math.floor(plan.writers / CALLERS));
    const people: CliPerson[] = [];
    for (let i = 0; i < 2 * callers; i++) {
      await world.clone('ada', `person-${i}`);
      people.push(new CliPerson(world, board, recorder, `person-${i}`, over));
    }
    const streams = Array.from({ length: Math.max(1, plan.writers - 2 * callers) }, (_, i) => {
      return new StreamWriter(
        { target: () => world },
        maker,
        board,
        recorder,
        `stream-${i}`,
        STREAMERS[i % STREAMERS.length] as string,
        over,
      );
    });
    this.until = performance.now() + 1000 * plan.seconds;
    const [mirrored, direct] = ['person-0', 'person-1'].map((clone) => new CliPerson(world, board, recorder, clone, over)) as [
      CliPerson,
      CliPerson,
    ];
    await Promise.all([
      ...streams.map((stream) => stream.run()),
      ...people.map((one, i) => one.write(i % 2 === 0 ? 'main' : 'seq')),
      mirrored.read('seq', 'mirror', SHARED),
      direct.read('main', 'stargate', SHARED),
      this.trouble(streams, people, board, over),
    ]);
    await world.mirrored();
    const ledgers = [];
    for (const ns of ['main', 'seq']) ledgers.push(await worldLedger(world, ns, SHARED, recorder));
    return { history: recorder, ledgers, faults: this.faults };
  }

  private async trouble(
    streams: readonly StreamWriter[],
    people: readonly CliPerson[],
    board: Board,
    over: () => boolean,
  ): Promise<void> {
    const { random, plan } = this;
    // Most of the time there is a Stargate: who is never served has no history.
    const every = Math.min(2000, (1000 * plan.seconds) / 5);
    for (let n = 0; ; n++) {
      const before = board.count();
      await after(random.between(every / 2, every));
      while (board.count() - before < BETWEEN_FAULTS && !over()) await after(LOOK_MS);
      // Whoever is still to be served is left in peace.
      if (over() || (performance.now() > this.until && this.faults['Stargate killed'] > 0)) return;
      const kind =
        n % 4 === 1
          ? 'Stargate killed'
          : n % 8 === 3
            ? 'Stargate stopped'
            : random.chance(0.6)
              ? 'stream killed'
              : 'command killed';
      this.faults[kind] += 1;
      if (kind === 'stream killed') random.pick(streams).kill();
      else if (kind === 'command killed') random.pick(people).kill();
      else if (kind === 'Stargate killed') await this.restart();
      else await this.pause();
    }
  }

  private async restart(): Promise<void> {
    await this.world.stop('SIGKILL');
    await this.world.start();
  }

  private async pause(): Promise<void> {
    const { pid } = this.world;
    if (pid === undefined) return;
    process.kill(pid, 'SIGSTOP');
    await after(this.plan.etcd ? STOPPED_MS : SHORT_STOP_MS);
    process.kill(pid, 'SIGCONT');
  }
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The profile `embedded` with a lease in etcd. */
async function leased({ url }: TestEtcd): Promise<string> {
  const embedded = await readFile(join(ROOT, 'apps', 'profiles', 'embedded.yaml'), 'utf8');
  const lock = `leader-lock: { use: lock-etcd, config: { endpoints: ['${url}'], key: /git-kv/chaos/leader, ttl: ${LEASE_S} } }`;
  return embedded.replace(/^name: .*/m, 'name: leased').replace('leader-lock: lock-flock', lock);
}
