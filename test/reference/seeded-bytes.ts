import { createCipheriv } from 'node:crypto';

/** Random bytes that are the same for the same seed, everywhere: AES-128 in counter mode, from zero, with the seed as its key. */
export function seededBytes(seed: number, size: number): Buffer<ArrayBuffer> {
  const key = Buffer.alloc(16);
  key.writeUIntBE(seed, 10, 6);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const bytes = Buffer.allocUnsafe(size);
  const STEP = 1024 * 1024;
  const zeros = Buffer.alloc(Math.min(size, STEP));
  for (let at = 0; at < size; at += STEP) bytes.set(cipher.update(zeros.subarray(0, Math.min(STEP, size - at))), at);
  return bytes;
}
