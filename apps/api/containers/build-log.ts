import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What is kept of what one build says, characters. */
const KEPT = 1024 * 1024;

/** What a build has said, for those who come later, and says, for those who listen. */
export class BuildLog {
  private text = '';
  private hasEnded = false;
  private readonly listeners = new Set<(text: string | null) => void>();

  add(text: string): void {
    if (this.text.length >= KEPT) return;
    const room = KEPT - this.text.length;
    const kept = text.length > room ? `${text.slice(0, room)}\n(what follows is not kept)\n` : text;
    this.text += kept;
    for (const listener of this.listeners) listener(kept);
  }

  end(): void {
    this.hasEnded = true;
    for (const listener of [...this.listeners]) listener(null);
    this.listeners.clear();
  }

  said(): string {
    return this.text;
  }

  /** Calls a listener with what is said from now on, and with null at the end; gives what ends it. */
  listen(listener: (text: string | null) => void): () => void {
    if (this.hasEnded) listener(null);
    else this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** What builds have said, a file each, which is there up to the last line when the server ends in the middle of one. */
export class KeptLogs {
  /** `failed` is told of what could not be written; the build goes on all the same. */
  constructor(
    private readonly folder: string,
    private readonly failed: (error: Error) => void,
  ) {}

  /** Writes what a build says; resolves once it has ended and all of it is written. */
  async follow(id: string, log: BuildLog): Promise<void> {
    let waiting = '';
    const write = async (): Promise<void> => {
      if (waiting === '') return;
      const text = waiting;
      waiting = '';
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await appendFile(this.file(id), text, { mode: 0o600 });
    };
    let written: Promise<void> = Promise.resolve();
    await new Promise<void>((resolve) => {
      log.listen((text) => {
        if (text === null) return resolve();
        waiting += text;
        written = written.then(write).catch(this.failed);
      });
    });
    await written;
  }

  /** What a build has said; empty where nothing was kept. Throws Node's error for what can't be read. */
  async read(id: string): Promise<string> {
    try {
      return await readFile(this.file(id), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // it said nothing, or was there before logs were kept
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await rm(this.file(id), { force: true });
  }

  private file(id: string): string {
    return join(this.folder, `${id}.log`);
  }
}
