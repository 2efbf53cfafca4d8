import type { Repository } from '../../../domain/repo/repository.js';
import type { Candidate } from '../../../domain/repo/types.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { Checks } from '../checks/checks.js';
import type { Commands } from '../commands/commands.js';
import type { LoggedEvent } from '../pool/events.js';
import type { SettingsOfRepositories } from '../pool/repository-settings.js';

/** How a command ended that was run once a branch had moved. */
export interface HookRun {
  readonly command: string;
  readonly ref: string;
  readonly commit: string;
  readonly at: number;
  /** Null where it could not be run. */
  readonly exitCode: number | null;
  readonly duration: number;
  readonly output: string;
}

/** What hooks work with. */
export interface HookParts {
  readonly settings: SettingsOfRepositories;
  readonly checks: Checks;
  readonly commands: Commands;
  readonly use: <T>(id: string, work: (repository: Repository) => Promise<T>) => Promise<T>;
  readonly now: () => number;
}

/** Commands after commits that may wait in one repository. */
const IN_LINE = 1000;
/** Runs that are remembered of one repository, and what is kept of each one's output. */
const REMEMBERED = 50;
const OUTPUT = 4096;

/** What repositories have run before a commit, which may refuse it, and after one. */
export class Hooks {
  private readonly runs = new Map<string, HookRun[]>();
  private isClosed = false;
  private readonly lines = new Map<string, { last: Promise<void>; length: number }>();

  constructor(private readonly parts: HookParts) {}

  /** What is asked before a commit; nothing where nothing was named. */
  beforeCommit(id: string): readonly ((candidate: Candidate) => Promise<void>)[] {
    const { preCommit } = this.parts.settings.of(id);
    return preCommit.length === 0 ? NONE : [(candidate) => this.check(id, preCommit, candidate)];
  }

  /** Runs what the repository has named for it, on the commit that a branch has moved to, after what came before. Nobody waits for it. */
  moved(id: string, { ref, next, time }: LoggedEvent): void {
    const { postCommit } = this.parts.settings.of(id);
    const line = this.lines.get(id) ?? { last: Promise.resolve(), length: 0 };
    if (next === null || !ref.startsWith('refs/heads/') || postCommit.length === 0) return;
    this.lines.set(id, line);
    for (const command of postCommit) {
      const run = { command, ref, commit: next, at: time };
      if (line.length >= IN_LINE) {
        this.remember(id, { ...run, exitCode: null, duration: 0, output: 'too many wait to be run' });
        continue;
      }
      line.length += 1;
      line.last = line.last.then(async () => {
        if (!this.isClosed) await this.run(id, run);
        line.length -= 1;
      });
    }
  }

  /** Newest first. */
  recent(id: string): readonly HookRun[] {
    return [...(this.runs.get(id) ?? [])].reverse();
  }

  /** Waits for what runs; what waits is not run any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all([...this.lines.values()].map(({ last }) => last));
  }

  forget(id: string): void {
    this.runs.delete(id);
    this.lines.delete(id);
  }

  private async check(id: string, names: readonly string[], candidate: Candidate): Promise<void> {
    const validators = this.parts.checks.validators(names, this.parts.settings.of(id), { owner: id });
    const faults = (await Promise.all(validators.map((validator) => validator(candidate)))).flat();
    const [first] = faults;
    if (first === undefined) return;
    throw new KvError('POLICY_VIOLATION', `a pre-commit hook refuses it: ${first.path}: ${first.message}`, {
      details: { reason: 'pre-commit', faults: faults.slice(0, 100) },
    });
  }

  private async run(id: string, run: Pick<HookRun, 'command' | 'ref' | 'commit' | 'at'>): Promise<void> {
    const { commands, use } = this.parts;
    try {
      const { exitCode, duration, output } = await use(id, (repository) => {
        const files = () => repository.list('', { rev: run.commit, recursive: true });
        const read = (path: string) => repository.readFile(path, run.commit);
        return commands.run(run.command, { files, read }, { owner: id });
      });
      this.remember(id, { ...run, exitCode, duration, output: output.slice(0, OUTPUT) });
    } catch (error) {
      // The branch has moved all the same: what is left to say is that the command was not run.
      this.remember(id, { ...run, exitCode: null, duration: 0, output: toKvError(error).message });
    }
  }

  private remember(id: string, run: HookRun): void {
    const runs = this.runs.get(id) ?? [];
    this.runs.set(id, [...runs, run].slice(-REMEMBERED));
  }
}

const NONE: readonly never[] = [];
