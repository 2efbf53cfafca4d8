import { KvError } from '../../ports/error.js';
import { IntentClient, type IntentTarget } from '../support/programs/intent-stream.js';
import type { IntentMaker, MadeIntent } from '../support/formats/intents.js';
import { type OpenWrite, type Recorder, textOf, type Write } from './history.js';
import { isAnswer } from './outcome.js';
import type { Board } from './board.js';
import { blobOf } from './world-ledger.js';

/** Between two tries to reach a Stargate that is away, ms. */
const PAUSE_MS = 1000;

/** How a writer reaches who takes its writes. */
export interface StreamWay {
  /** Where to; `failed` tells that the one before did not take them. */
  target(failed: boolean): IntentTarget;
  /** Between two tries, ms. */
  readonly pauseMs?: number;
  /** For how long an answer is waited for, ms; without an end when absent. */
  readonly patienceMs?: number;
}

/** A writer on a stream of intents, which opens another one when its own breaks, and most often sends again what was not answered. */
export class StreamWriter {
  private client: IntentClient | null = null;
  private epoch: string | null = null;
  private failed = false;

  constructor(
    private readonly way: StreamWay,
    private readonly maker: IntentMaker,
    private readonly board: Board,
    private readonly recorder: Recorder,
    readonly who: string,
    private readonly person: string,
    private readonly over: () => boolean,
  ) {}

  async run(): Promise<void> {
    while (!this.over()) await this.once();
    await this.end();
  }

  /** Makes one write. */
  once(): Promise<void> {
    return this.write(this.board.begin(this.recorder, this.who, 'seq'));
  }

  /** Ends its connection. */
  async end(): Promise<void> {
    this.client?.end();
    await this.client?.ended;
  }

  /** Ends its connection, as a client that is killed does. */
  kill(): void {
    this.client?.kill();
  }

  private async write(open: OpenWrite & Write): Promise<void> {
    let made: MadeIntent | undefined;
    for (let tries = 0; tries === 0 || this.board.again(); tries++) {
      const client = await this.connected();
      if (client === null) return open.unknown('the run was over');
      made ??= await this.maker.make('ada', {
        ...{ ns: 'seq', set: open.set, del: open.del, text: textOf(open.id), epoch: this.epoch },
        expect: Object.entries(open.expect).map(([key, value]) => ({ key, blob: value === null ? null : blobOf(value) })),
      });
      client.send(made.objects);
      const outcome = await this.answer(client);
      if (KvError.is(outcome) && outcome.code === 'NOT_LEADER') this.leave(client);
      if (outcome === null || (KvError.is(outcome) && !isAnswer(outcome))) continue; // who knows
      if (KvError.is(outcome)) open.refused(outcome.code);
      else {
        open.acknowledged(outcome.commit);
        this.epoch = outcome.epoch;
        this.board.landed(open);
      }
      return;
    }
    open.unknown('not asked again');
  }

  private async answer(client: IntentClient) {
    try {
      return (await this.patient(client, client.answer())).outcome;
    } catch {
      this.leave(client); // broken off, or told to go: the next write opens another stream
      return null;
    }
  }

  /** Fails where nothing comes in time. */
  private async patient<Told>(client: IntentClient, told: Promise<Told>): Promise<Told> {
    const { patienceMs } = this.way;
    if (patienceMs === undefined) return told;
    const timer = setTimeout(() => client.kill(), patienceMs); // which ends the wait
    return told.finally(() => clearTimeout(timer));
  }

  private leave(client: IntentClient): void {
    this.client = null;
    this.failed = true;
    client.kill();
  }

  private async connected(): Promise<IntentClient | null> {
    while (!this.over()) {
      if (this.client !== null) return this.client;
      const client = IntentClient.open(this.way.target(this.failed), this.person);
      this.failed = false;
      this.client = client;
      try {
        const { namespaces } = await this.patient(client, client.greeting());
        this.epoch = namespaces.find(({ ns }) => ns === 'seq')?.epoch ?? null;
        return client;
      } catch {
        this.leave(client); // nobody is there, or nobody leads
        await new Promise((resolve) => setTimeout(resolve, this.way.pauseMs ?? PAUSE_MS));
      }
    }
    return null;
  }
}
