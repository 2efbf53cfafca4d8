import { appendFile, readFile, stat } from 'node:fs/promises';
import { KvError } from '../../../ports/error.js';
import { replaceFile } from '../../replace-file.js';
import { byId, type Delivery, type DeliveryLog, newest } from './deliveries.js';

/** A line of the file: a delivery as it was then (without its body after the first), or a webhook that is gone. */
type Line = { readonly delivery: Delivery } | { readonly forgotten: string };

/** How large a file may grow before it is written anew with what is remembered, and what is kept of bodies then, bytes. */
const LARGEST = 2 * 1024 * 1024;
const BODIES = 512 * 1024;

/**
 * The log of a repository that is kept: lines at the end of a file, of which the last one of a delivery counts. A line that a crash has
 * torn is left out. It is synced only when it is written anew: a power cut may cost the newest lines, a crash of the process none that
 * was written.
 */
export class KeptDeliveries implements DeliveryLog {
  readonly isKept = true;
  private waiting: string[] = [];
  private working: Promise<void> | null = null;
  private readonly begun = new Set<string>();
  private size: number | null = null;
  private limit = LARGEST;
  private isClosed = false;

  /** `failed` is told of lines that could not be written; what they tell of goes on all the same. */
  constructor(
    private readonly path: string,
    private readonly failed: (error: Error) => void,
  ) {}

  note(delivery: Delivery): void {
    const isKnown = this.begun.has(delivery.id);
    if (delivery.state === 'pending') this.begun.add(delivery.id);
    else this.begun.delete(delivery.id);
    this.add({ delivery: isKnown ? { ...delivery, body: null } : delivery });
  }

  forget(webhook: string): void {
    this.add({ forgotten: webhook });
  }

  async all(): Promise<readonly Delivery[]> {
    await this.working;
    try {
      return newest(folded(await readFile(this.path, 'utf8')), Number.POSITIVE_INFINITY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new KvError('IO_ERROR', `cannot read '${this.path}': ${(error as Error).message}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.working;
  }

  private add(line: Line): void {
    if (this.isClosed) return;
    this.waiting.push(JSON.stringify(line));
    this.working ??= this.write();
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      // A line of its own even behind one that is torn.
      const text = `${this.size === null ? '\n' : ''}${this.waiting.splice(0).join('\n')}\n`;
      try {
        await appendFile(this.path, text, { mode: 0o600 });
        this.size = (this.size ?? (await stat(this.path)).size) + Buffer.byteLength(text);
        if (this.size > this.limit) await this.rewrite();
      } catch (error) {
        this.failed(error as Error);
      }
    }
    this.working = null; // at once: a line that comes from now on is written by another
  }

  private async rewrite(): Promise<void> {
    const kept = newest(folded(await readFile(this.path, 'utf8')), BODIES);
    const text = kept.map((delivery) => `${JSON.stringify({ delivery } satisfies Line)}\n`).join('');
    await replaceFile(this.path, text);
    this.size = Buffer.byteLength(text);
    this.limit = Math.max(LARGEST, 2 * this.size); // what waits to be sent stays, however much it is
  }
}

function folded(text: string): Delivery[] {
  let known = new Map<string, Delivery>();
  for (const line of text.split('\n')) {
    const read = parsed(line);
    if (read === null) continue;
    if ('forgotten' in read) known = byId([...known.values()].filter(({ webhook }) => webhook !== read.forgotten));
    else {
      const { delivery } = read;
      known.set(delivery.id, { ...delivery, body: delivery.body ?? known.get(delivery.id)?.body ?? null });
    }
  }
  return [...known.values()];
}

function parsed(line: string): Line | null {
  if (line === '') return null;
  try {
    return JSON.parse(line) as Line; // nobody but this class writes it
  } catch {
    return null; // torn by a crash: what it told of is told by the lines before
  }
}
