import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { FoundFault, Question } from './check-files.js';

/** How long one question may take, ms. */
const PATIENCE = 10_000;
/** What the thread may hold, MiB. */
const MEMORY = 256;
/** How long it is kept without a question, ms. */
const IDLE = 30_000;

interface Asked {
  readonly question: Question;
  readonly answer: (faults: readonly FoundFault[]) => void;
}

/** Looks into files in a thread of its own, one question after another. A question that takes too long or too much ends the thread, and is a fault. */
export class Checker {
  private worker: Worker | null = null;
  private readonly queue: Asked[] = [];
  private current: Asked | null = null;
  private timer: NodeJS.Timeout | null = null;
  private id = 0;
  private online: Promise<void> = Promise.resolve();

  constructor(private readonly patience = PATIENCE) {}

  ask(question: Question): Promise<readonly FoundFault[]> {
    return new Promise((answer) => {
      this.queue.push({ question, answer });
      this.next();
    });
  }

  /** Ends the thread; what was asked and not answered is a fault. */
  async close(): Promise<void> {
    const { worker } = this;
    for (const { question, answer } of this.queue.splice(0)) answer(faulty(question, ENDS));
    this.settle(null, ENDS);
    this.clearTimer();
    await worker?.terminate();
  }

  private next(): void {
    if (this.current !== null) return;
    this.clearTimer();
    const asked = this.queue.shift();
    if (asked === undefined) {
      this.timer = setTimeout(() => this.drop(), IDLE);
      this.timer.unref();
      return;
    }
    this.current = asked;
    this.worker ??= this.started();
    // The thread's own start is not the question's time.
    void this.online.then(() => {
      if (this.current !== asked || this.timer !== null) return;
      this.timer = setTimeout(() => this.settle(null, `could not be checked within ${this.patience / 1000} s`), this.patience);
    });
    this.worker.postMessage({ id: ++this.id, question: asked.question });
  }

  /** Ends the question at hand: with an answer, or by ending the thread. */
  private settle(faults: readonly FoundFault[] | null, why: string): void {
    const { current } = this;
    if (faults === null) this.drop();
    this.current = null;
    current?.answer(faults ?? faulty(current.question, why));
    this.next();
  }

  private started(): Worker {
    const worker = new Worker(workerFile(), { resourceLimits: { maxOldGenerationSizeMb: MEMORY }, env: {} });
    worker.unref();
    this.online = new Promise((resolve) => worker.once('online', resolve));
    worker.on('message', ({ id, faults }: { readonly id: number; readonly faults: readonly FoundFault[] }) => {
      if (worker === this.worker && id === this.id) this.settle(faults, '');
    });
    const failed = (): void => {
      if (worker === this.worker) this.settle(null, 'is more than can be checked');
    };
    worker.on('error', failed); // out of memory, for example: the event says no more than that
    worker.on('exit', failed);
    return worker;
  }

  private drop(): void {
    this.clearTimer();
    const { worker } = this;
    this.worker = null;
    void worker?.terminate();
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

const ENDS = 'could not be checked: the server ends';

const faulty = ({ files }: Question, message: string): FoundFault[] => files.map(({ path }) => ({ path, message }));

/** Beside this file, or where it is bundled beside the program. */
function workerFile(): URL {
  const places = ['./worker.js', './git-kv-api-checks.js', '../git-kv-api-checks.js'].map(
    (place) => new URL(place, import.meta.url),
  );
  return places.find((place) => existsSync(place)) ?? (places[0] as URL); // starting it says that it isn't there
}
