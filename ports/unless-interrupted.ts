import { KvError } from './error.js';

/** Gives what work comes to, or throws what `interrupted` makes as soon as the signal fires: the work itself may go on. */
export async function unlessInterrupted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  interrupted: () => KvError,
): Promise<T> {
  if (signal === undefined) return work;
  let stop: () => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(interrupted());
  });
  stopped.catch(() => undefined); // raced below, and may lose
  work.catch(() => undefined); // may fail after the interruption has been told
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
