import type { Readable, Writable } from 'node:stream';
import type { ByteSink, TakeBytes } from '../../../ports/index.js';

/** A pipe's bytes until it ends or is torn down; leaves the pipe open when the reader stops early. */
export async function* bytesOf(input: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of input.iterator({ destroyOnReturn: false })) yield bytes as Buffer;
  } catch (error) {
    // Torn down with the process at its other end: the same as its end for whoever reads.
    if (!input.destroyed) throw error;
  }
}

/** A pipe as a sink that asks its writer to wait while the pipe is full. */
export function sinkOf(pipe: Writable): ByteSink {
  return {
    write(bytes) {
      if (pipe.destroyed || pipe.writableEnded || pipe.write(bytes)) return undefined;
      return new Promise((resolve) => pipe.once('drain', resolve));
    },
    end: () => void pipe.end(),
  };
}

/** Hands all of a pipe's bytes on, no faster than they are taken. */
export function handOn(pipe: Readable, take: TakeBytes): void {
  let waiting = false;
  pipe.on('data', (bytes: Buffer) => {
    const taken = take(bytes);
    if (taken === undefined) return;
    waiting = true;
    pipe.pause();
    const goOn = (): void => {
      waiting = false;
      pipe.resume();
    };
    // Whoever takes tells of its faults elsewhere; the process is not to hang for it.
    taken.then(goOn, goOn);
  });
  // Node lets a child's output flow when the child has ended, whoever has paused it.
  pipe.on('resume', () => {
    if (waiting) pipe.pause();
  });
}

/** Reads on, and drops what comes. */
export function drop(pipe: Readable | null): void {
  pipe?.removeAllListeners('data').removeAllListeners('resume').resume();
}
