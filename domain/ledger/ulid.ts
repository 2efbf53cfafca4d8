import type { Clock, Randomness } from '../../ports/clock.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A transaction's id: 48 bits of time in milliseconds, 80 random bits, Crockford's base 32 (github.com/ulid/spec). */
export function newUlid(clock: Clock, randomness: Randomness): string {
  let time = clock.now();
  let head = '';
  for (let i = 0; i < 10; i++) {
    head = (ALPHABET[time % 32] as string) + head;
    time = Math.floor(time / 32);
  }
  const bytes = randomness.bytes(10);
  let tail = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      tail += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return head + tail;
}

/** Whether a text is a ULID as it is written here: 26 characters, upper case. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** When a ULID says that it was made, milliseconds since the epoch. */
export function ulidTime(ulid: string): number {
  let time = 0;
  for (const digit of ulid.slice(0, 10)) time = time * 32 + ALPHABET.indexOf(digit);
  return time;
}
