import type {
  CommandFile,
  CommandIsolation,
  CommandLimits,
  CommandResult,
  CommandRunner,
} from '../../../ports/sandbox/command-runner.js';
import { KvError } from '../../../ports/error.js';
import type { NamedCommand } from './named.js';

/** A state whose files a command gets: a revision, a reality, what is about to be committed. */
export interface CommandState {
  files(): Promise<readonly { readonly path: string; readonly mode: string; readonly type: string }[]>;
  read(path: string): Promise<{ readonly content: Uint8Array } | null>;
}

/** What commands are run with. */
export interface CommandParts {
  readonly named: ReadonlyMap<string, NamedCommand>;
  /** How many run at a time. */
  readonly atATime: number;
  /** Called before the first one. */
  readonly open: () => Promise<CommandRunner>;
}

/** For whom a command is run. */
export interface CommandOrder {
  /** The repository. */
  readonly owner: string;
  /** Ends it early, also while it waits. */
  readonly signal?: AbortSignal | undefined;
}

/** Commands that may wait for others to end; and how many of one repository may run or wait, so that others have their turn. */
const WAITING = 200;
const OF_ONE = 20;

/** The operator's commands by their names: a request chooses one, and brings nothing of it. */
export class Commands {
  private runner: Promise<CommandRunner> | null = null;
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly owners = new Map<string, number>();
  private readonly closing = new AbortController();

  constructor(private readonly parts: CommandParts) {}

  names(): string[] {
    return [...this.parts.named.keys()];
  }

  /** The bounds of one. */
  limits(name: string): CommandLimits | undefined {
    return this.parts.named.get(name)?.limits;
  }

  has(name: string): boolean {
    return this.parts.named.has(name);
  }

  /** How many run now. */
  get atWork(): number {
    return this.running;
  }

  /** What the system keeps from commands; null before anything was configured to be kept from it. */
  async isolation(): Promise<CommandIsolation | null> {
    return this.parts.named.size === 0 ? null : (await this.opened()).isolation;
  }

  /** Runs one on the files of a state, after those that came first. Throws `NOT_FOUND`, `BUSY`, and what a runner throws. */
  async run(name: string, state: CommandState, { owner, signal }: CommandOrder): Promise<CommandResult> {
    const command = this.parts.named.get(name);
    if (command === undefined)
      throw new KvError('NOT_FOUND', `no command is called '${name.slice(0, 60)}'`, { hint: "the server's operator names them" });
    const ended = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
    const count = this.owners.get(owner) ?? 0;
    if (count >= OF_ONE || this.waiting.length >= WAITING)
      throw new KvError('BUSY', 'too many commands wait to be run', { hint: 'try again later' });
    this.owners.set(owner, count + 1);
    await this.turn();
    try {
      if (ended.aborted) throw new KvError('INTERRUPTED', `command '${name}' was interrupted`);
      const runner = await this.opened();
      return await runner.run({ ...command, files: filesOf(state), signal: ended });
    } finally {
      this.running -= 1;
      const left = (this.owners.get(owner) ?? 1) - 1;
      if (left > 0) this.owners.set(owner, left);
      else this.owners.delete(owner);
      this.waiting.shift()?.();
    }
  }

  /** Ends those that run, and those that wait. */
  end(): void {
    this.closing.abort();
  }

  async close(): Promise<void> {
    this.end();
    await (await this.runner)?.close();
  }

  private opened(): Promise<CommandRunner> {
    this.runner ??= this.parts.open();
    return this.runner;
  }

  private async turn(): Promise<void> {
    while (this.running >= this.parts.atATime) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
  }
}

/** The files of a state one by one; what is no file of the repository itself is left out. */
export async function* filesOf(state: CommandState): AsyncGenerator<CommandFile> {
  for (const { path, mode, type } of await state.files()) {
    if (type !== 'file' && type !== 'symlink') continue;
    const file = await state.read(path);
    if (file !== null) yield { path, mode, content: file.content };
  }
}
