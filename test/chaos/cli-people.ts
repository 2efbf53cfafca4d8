import type { Ran, RunOptions } from '../support/programs/processes.js';
import type { Board } from './board.js';
import { type Recorder, textOf } from './history.js';
import { blobOf } from './world-ledger.js';

const NOT_FOUND = 6;
/** After a command that has failed, ms: whoever writes again and again would do nothing else while a Stargate is away. */
const PAUSE_MS = 500;

/** What `--json` gives of an error. */
interface ToldError {
  readonly code: string;
  readonly details?: { readonly landed?: string };
}

/** The error that a command has told; null where it had no time to. */
function errorIn(stdout: string): ToldError | null {
  try {
    return (JSON.parse(stdout) as { error?: ToldError }).error ?? null;
  } catch {
    return null; // cut off, or nothing
  }
}

/** Runs `git kv` in a clone by its name. */
export interface Clones {
  kv(clone: string, args: readonly string[], options?: RunOptions & { readonly person?: string }): Promise<Ran>;
}

/** Somebody who calls `git kv` in a clone. */
export class CliPerson {
  private running: AbortController | null = null;

  constructor(
    private readonly world: Clones,
    private readonly board: Board,
    private readonly recorder: Recorder,
    readonly clone: string,
    private readonly over: () => boolean,
  ) {}

  /** Ends the command that runs, at once. */
  kill(): void {
    this.running?.abort();
  }

  /** Sets keys until it is over. */
  async write(ns: string): Promise<void> {
    while (!this.over()) await this.once(ns);
  }

  /** Sets one key. */
  async once(ns: string): Promise<void> {
    const open = this.board.begin(this.recorder, this.clone, ns, { several: false });
    const [key = '', value = ''] = Object.entries(open.set)[0] ?? [];
    const expected = Object.values(open.expect);
    const expect = expected.map((one) => `--expect-blob=${one === null ? 'none' : blobOf(one)}`);
    const args = ['set', key, '--value', value, '--ns', ns, '-m', textOf(open.id), '--json', ...expect];
    const { code, stdout } = await this.kv(args);
    if (code === 0) {
      open.acknowledged((JSON.parse(stdout) as { commit: string }).commit);
      this.board.landed(open);
      return;
    }
    const error = errorIn(stdout);
    // An error that doesn't say that it could not be found out promises that nothing has landed.
    if (error === null) open.unknown('killed');
    else if (error.details?.landed === 'unknown') open.unknown(`in doubt: ${error.code}`);
    else open.refused(error.code);
    if (error !== null && error.code !== 'CAS_CONFLICT') await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }

  /** Reads all keys, again and again, from the mirror or the Stargate. */
  async read(ns: string, from: 'mirror' | 'stargate', keys: readonly string[]): Promise<void> {
    while (!this.over()) {
      await this.recorder.read({ who: `${this.clone} of ${ns}`, ns, from }, async () => {
        const { code, stdout } = await this.kv(['get', '--prefix', 'k:', '--ns', ns, `--read-from=${from}`]);
        if (code !== 0 && code !== NOT_FOUND) return null;
        const found = new Map(
          stdout
            .split('\n')
            .filter(Boolean)
            .map((line) => line.split('\t') as [string, string]),
        );
        return Object.fromEntries(keys.map((key) => [key, found.get(key) ?? null]));
      });
    }
  }

  private async kv(args: readonly string[]) {
    const running = new AbortController();
    this.running = running;
    try {
      return await this.world.kv(this.clone, args, { person: 'ada', signal: running.signal });
    } finally {
      this.running = null;
    }
  }
}
