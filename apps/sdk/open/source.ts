import { interrupted } from '../../../domain/client/clone/calls/cancellation.js';
import type { ValueStream } from '../../../domain/client/write/operations.js';
import type { StreamInput } from '../api/write.js';
import { Theirs } from './calls.js';
import { wrong } from './options.js';

/** A caller's stream, which is read once. */
export interface Source extends ValueStream {
  /** Closes the stream unless it was read to its end. */
  close(): Promise<void>;
}

/**
 * Reads a caller's stream until the signal fires, however long its next piece may take. What it throws is theirs. Throws `USAGE` for what is
 * no stream of bytes.
 */
export function sourceOf(input: StreamInput, signal: AbortSignal): Source {
  const iterator = iteratorOf(input);
  let over = false;
  const close = async (): Promise<void> => {
    if (over) return;
    over = true;
    // A stream that is stuck would never answer; what it throws now, nobody asked for.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  };
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = await unlessFired(signal, async () => iterator.next());
      over = next.done === true;
      if (next.done === true) return;
      const piece: unknown = next.value;
      if (!(piece instanceof Uint8Array)) throw wrong('a stream', 'one of bytes (Uint8Array)');
      yield piece;
    }
  };
  return { stream: pieces(), close };
}

function iteratorOf(input: StreamInput): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  if (typeof input === 'object' && input !== null) {
    if (Symbol.asyncIterator in input) return input[Symbol.asyncIterator]();
    if (Symbol.iterator in input && !(input instanceof Uint8Array)) return input[Symbol.iterator]();
  }
  throw wrong('a stream', 'an (async) iterable of bytes');
}

async function unlessFired<T>(signal: AbortSignal, next: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw interrupted();
  let leave = (): void => undefined;
  const fired = new Promise<never>((_, reject) => {
    leave = () => reject(interrupted());
  });
  fired.catch(() => undefined); // raced below, and may lose
  signal.addEventListener('abort', leave);
  try {
    return await Promise.race([
      next().catch((error: unknown) => {
        throw new Theirs(error);
      }),
      fired,
    ]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
