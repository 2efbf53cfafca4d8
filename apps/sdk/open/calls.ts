import { setMaxListeners } from 'node:events';
import { cancellable } from '../../../domain/client/clone/calls/cancellable.js';
import { Cancellation } from '../../../domain/client/clone/calls/cancellation.js';
import type { Clone } from '../../../domain/client/clone/clone.js';
import { KvError, toKvError } from '../../../ports/error.js';

/** One call that is under way. */
export interface Call {
  /** The clone as this call sees it: it ends when the call is to end. */
  readonly clone: Clone;
  readonly cancellation: Cancellation;
  /** Fires when the call is to end: by its caller's signal, or because the clone is closed. */
  readonly signal: AbortSignal;
}

/** How a call goes about it. */
interface CallOptions {
  /** Another view of the clone than the usual one. */
  readonly clone?: Clone;
  /** A call that was ended by its signal just ends. */
  readonly quiet?: boolean;
}

/** What a call throws as it is, though it is no `KvError`: what the caller's own stream or callback has thrown. */
export class Theirs extends Error {
  constructor(readonly thrown: unknown) {
    super();
  }
}

/** The calls of one clone: each ends by its own signal, and all when the clone is closed. */
export class Calls {
  private closed = false;
  private readonly stops = new Set<() => void>();
  private readonly running = new Set<Promise<unknown>>();
  /** One listener for all calls that share a signal: Node warns of a signal with many. */
  private readonly shared = new Map<AbortSignal, SharedListener>();

  /** `what` is what errors call it. */
  constructor(
    private readonly clone: Clone,
    private readonly what: 'clone' | 'Stargate' = 'clone',
  ) {}

  /** Does one call. What it rejects with is a `KvError`, or theirs. */
  async run<T>(signal: AbortSignal | undefined, work: (call: Call) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const { call, end } = this.begin(signal, options);
    try {
      return await this.counted(work(call));
    } finally {
      end();
    }
  }

  /** Gives what one call gives, one by one. It is under way while somebody waits for the next. */
  async *iterate<T>(
    signal: AbortSignal | undefined,
    work: (call: Call) => AsyncIterable<T>,
    options: CallOptions = {},
  ): AsyncGenerator<T, void> {
    const { call, end } = this.begin(signal, options);
    const items = work(call)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.counted(Promise.resolve(items.next()));
        if (next.done === true) return;
        yield next.value;
        if (options.quiet === true && call.signal.aborted) return;
        call.cancellation.check();
      }
    } finally {
      await items.return?.();
      end();
    }
  }

  /** Ends all calls, and resolves when they have ended. Later ones are `USAGE`. */
  async close(): Promise<void> {
    this.closed = true;
    for (const stop of [...this.stops]) stop();
    await Promise.allSettled([...this.running]);
  }

  private begin(signal: AbortSignal | undefined, { clone = this.clone }: CallOptions): { readonly call: Call; end(): void } {
    if (this.closed) throw new KvError('USAGE', `this ${this.what} was closed`, { hint: 'open it again' });
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new KvError('USAGE', 'signal is no AbortSignal');
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const stop = (): void => controller.abort();
    if (signal?.aborted === true) stop();
    this.stops.add(stop);
    const leave = signal === undefined ? undefined : this.listen(signal, stop);
    const cancellation = new Cancellation(controller.signal);
    return {
      call: { clone: cancellable(clone, cancellation), cancellation, signal: controller.signal },
      end: () => {
        this.stops.delete(stop);
        leave?.();
      },
    };
  }

  private listen(signal: AbortSignal, stop: () => void): () => void {
    let listener = this.shared.get(signal);
    if (listener === undefined) {
      listener = new SharedListener();
      this.shared.set(signal, listener);
      signal.addEventListener('abort', listener.fire);
    }
    const { stops, fire } = listener;
    stops.add(stop);
    return () => {
      stops.delete(stop);
      if (stops.size > 0) return;
      this.shared.delete(signal);
      signal.removeEventListener('abort', fire);
    };
  }

  private async counted<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    try {
      return await work;
    } catch (error) {
      throw error instanceof Theirs ? error.thrown : toKvError(error);
    } finally {
      this.running.delete(work);
    }
  }
}

class SharedListener {
  readonly stops = new Set<() => void>();
  readonly fire = (): void => {
    for (const stop of [...this.stops]) stop();
  };
}
