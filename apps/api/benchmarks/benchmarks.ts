import { Mutex } from '../../../domain/gateway/mutex.js';
import type { Reality } from '../../../domain/repo/isolated.js';
import type { Commands } from '../commands/commands.js';

/** One run of a command. */
export interface BenchmarkRun {
  /** Milliseconds. */
  readonly duration: number;
  readonly exitCode: number;
  readonly timedOut: boolean;
}

/** How a command did on the state of a reality. */
export interface Benchmark {
  readonly reality: string;
  readonly command: string;
  /** The state that was measured; null for an empty one. */
  readonly commit: string | null;
  readonly runs: readonly BenchmarkRun[];
  /** The middle one, ms. */
  readonly duration: number;
  /** 0 where all ended so; else of the first that didn't. */
  readonly exitCode: number;
  /** Of the last run. */
  readonly output: string;
  readonly truncated: boolean;
  readonly at: number;
}

/** Results that are remembered of one repository. */
const REMEMBERED = 10_000;

/** Runs commands on realities, one at a time in the whole process so that they can be compared, and remembers how they did. */
export class Benchmarks {
  private readonly turn = new Mutex();
  private readonly known = new Map<string, Map<string, Benchmark & { readonly createdAt: number }>>();

  constructor(
    private readonly commands: Commands,
    private readonly now: () => number,
  ) {}

  /** Throws `NOT_FOUND` for a command or a reality that isn't there, and what running throws. */
  async run(repository: string, reality: Reality, command: string, times: number, signal?: AbortSignal): Promise<Benchmark> {
    const release = await this.turn.acquire();
    try {
      const { name, tip, createdAt } = reality.info();
      const state = { files: () => reality.list('', { recursive: true }), read: (path: string) => reality.readFile(path) };
      const runs: BenchmarkRun[] = [];
      let last = { output: '', truncated: false };
      while (runs.length < times) {
        const { duration, exitCode, timedOut, ...said } = await this.commands.run(command, state, { owner: repository, signal });
        runs.push({ duration, exitCode, timedOut });
        last = said;
        if (exitCode !== 0) break; // it would do so again
      }
      const exitCode = runs.find((run) => run.exitCode !== 0)?.exitCode ?? 0;
      const result = { reality: name, command, commit: tip, runs, duration: middle(runs), exitCode, ...last, at: this.now() };
      this.remember(repository, { ...result, createdAt });
      return result;
    } finally {
      release();
    }
  }

  /** What is known of realities that are still there, the best first: those that succeeded, the quickest before. */
  results(repository: string, realities: readonly Reality[], command?: string): Benchmark[] {
    const born = new Map(realities.map((reality) => [reality.info().name, reality.info().createdAt]));
    return [...(this.known.get(repository)?.values() ?? [])]
      .filter((one) => born.get(one.reality) === one.createdAt && (command === undefined || one.command === command))
      .sort((a, b) => Number(a.exitCode !== 0) - Number(b.exitCode !== 0) || a.duration - b.duration);
  }

  forget(repository: string): void {
    this.known.delete(repository);
  }

  private remember(repository: string, result: Benchmark & { readonly createdAt: number }): void {
    const results = this.known.get(repository) ?? new Map<string, Benchmark & { readonly createdAt: number }>();
    this.known.set(repository, results);
    const name = `${result.reality}\n${result.command}`;
    results.delete(name);
    results.set(name, result);
    if (results.size > REMEMBERED) results.delete(results.keys().next().value ?? '');
  }
}

function middle(runs: readonly BenchmarkRun[]): number {
  const sorted = runs.map(({ duration }) => duration).sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}
