import type { Readable } from 'node:stream';

/** A hook's bytes until it ends or its pipe is torn down; leaves the pipe open when the reader stops early. */
export async function* bytesOf(input: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const bytes of input.iterator({ destroyOnReturn: false })) yield bytes as Buffer;
  } catch (error) {
    // Torn down with the process at its other end: the same as its end for whoever reads.
    if (!input.destroyed) throw error;
  }
}
