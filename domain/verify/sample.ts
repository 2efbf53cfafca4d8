import type { Randomness } from '../../ports/clock.js';

/** `size` of the items, each as likely as any other; all of them when there are no more. */
export function sample<T>(items: readonly T[], size: number, randomness: Randomness): T[] {
  const pool = [...items];
  const count = Math.min(size, pool.length);
  const bytes = randomness.bytes(count * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    const j = i + (view.getUint32(i * 4) % (pool.length - i));
    [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
  }
  return pool.slice(0, count);
}
