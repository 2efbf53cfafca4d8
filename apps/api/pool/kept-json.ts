import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { replaceFile } from '../../replace-file.js';

/** A JSON file that is replaced whole, so that a crash leaves the old or the new one. Only its owner may read it. */
export class KeptJson<T> {
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | null = null;

  constructor(private readonly path: string) {}

  /** What is kept; null before the first write. Throws `IO_ERROR`, `CONFIG_INVALID` for what is no JSON. */
  async read(): Promise<T | null> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new KvError('IO_ERROR', `cannot read '${this.path}': ${(error as Error).message}`, { cause: error });
    }
    try {
      return JSON.parse(text) as T; // nobody but this class writes it
    } catch (cause) {
      throw new KvError('CONFIG_INVALID', `${this.path}: is no JSON`, { cause, hint: 'put back a copy of it' });
    }
  }

  /** Resolves once what `current` gives then is on the disk; writes that wait are one. */
  write(current: () => T): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = null;
      const written = this.replace(JSON.stringify(current()));
      this.running = written.catch(() => undefined); // whoever waits for this one is told; the next is its own
      return written;
    });
    return this.next;
  }

  private async replace(text: string): Promise<void> {
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await replaceFile(this.path, text);
    } catch (error) {
      throw new KvError('IO_ERROR', `cannot write '${this.path}': ${(error as Error).message}`, { cause: error });
    }
  }
}
