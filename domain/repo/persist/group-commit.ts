import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import { NO_SPAN, type Span, type SpanFacts } from '../../../ports/tracing.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';

/** What waits to be made durable. */
interface Waiting {
  readonly objects: readonly NewObject[];
  readonly updates: readonly RefUpdate[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Begins the span of one group: it belongs to the commits of many requests, and is a part of none of theirs. */
export type BeginGroup = (facts: SpanFacts) => Span;

/** Objects that are made durable together, bytes. */
const TOGETHER = 32 * 1024 * 1024;

/**
 * Makes what was landed durable: all that waits goes down as one pack and one transaction of refs, while the next gathers. What was landed
 * first is never less durable than what came after it. After a failure nobody knows what the disk holds: nothing is taken any more.
 */
export class GroupCommit {
  private queue: Waiting[] = [];
  private running: Promise<void> | null = null;
  private broken: { readonly error: unknown } | null = null;

  constructor(
    private readonly durable: Pick<GitStore, 'write' | 'updateRefs'>,
    private readonly isDurable: (objects: readonly NewObject[]) => void,
    private readonly begin: BeginGroup = () => NO_SPAN,
  ) {}

  /** Throws what has ended it. */
  check(): void {
    if (this.broken !== null) throw this.broken.error;
  }

  /** Resolves once these are durable. */
  add(objects: readonly NewObject[], updates: readonly RefUpdate[]): Promise<void> {
    this.check();
    const done = new Promise<void>((resolve, reject) => this.queue.push({ objects, updates, resolve, reject }));
    this.running ??= this.run();
    return done;
  }

  /** Waits for all that was added. */
  async drain(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  private async run(): Promise<void> {
    await null; // those who land in the same turn go together
    while (this.queue.length > 0 && this.broken === null) await this.flush(this.nextGroup());
    for (const { reject } of this.queue.splice(0)) reject(this.broken?.error);
    this.running = null;
  }

  private async flush(group: readonly Waiting[]): Promise<void> {
    const objects = group.flatMap((each) => each.objects);
    const span = this.begin({ batch: group.length, bytes: bytesOf(objects) });
    try {
      if (objects.length > 0) await this.durable.write(objects);
      const updates = together(group);
      if (updates.length > 0) await this.durable.updateRefs(updates, 'group commit');
      span.end();
    } catch (error) {
      span.end(error);
      this.broken = { error };
      for (const { reject } of group) reject(error);
      return;
    }
    this.isDurable(objects);
    for (const { resolve } of group) resolve();
  }

  /** The longest run of what waits that may go together. */
  private nextGroup(): Waiting[] {
    let bytes = 0;
    const names = new Set<RefName>();
    let count = 0;
    for (const { objects, updates } of this.queue) {
      bytes += bytesOf(objects);
      const isAlone = count > 0 && (bytes > TOGETHER || updates.some(({ ref }) => meets(names, ref)));
      if (isAlone) break;
      for (const { ref } of updates) names.add(ref);
      count++;
    }
    return this.queue.splice(0, count);
  }
}

const bytesOf = (objects: readonly NewObject[]): number => objects.reduce((sum, { body }) => sum + body.length, 0);

/** Whether a ref lies above or below another: git takes no transaction in which one makes room for the other. */
function meets(names: ReadonlySet<RefName>, ref: RefName): boolean {
  for (const name of names) if (name.startsWith(`${ref}/`) || ref.startsWith(`${name}/`)) return true;
  return false;
}

/** One move of each ref, from where the first found it to where the last left it. */
function together(group: readonly Waiting[]): RefUpdate[] {
  const moves = new Map<RefName, { readonly old: Oid | null; next: Oid | null }>();
  for (const { updates } of group) {
    for (const { ref, old, next } of updates) {
      const known = moves.get(ref);
      if (known === undefined) moves.set(ref, { old, next });
      else known.next = next;
    }
  }
  return [...moves].map(([ref, { old, next }]) => ({ ref, old, next })).filter(({ old, next }) => old !== next);
}
