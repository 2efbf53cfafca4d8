/**
 * BLAKE3 of little input, in plain code: loading the native module costs more than hashing a small value does. After "BLAKE3: one
 * function, fast everywhere" (2020), sections 2.1 to 2.4: unkeyed, 32 bytes of output.
 */

const IV = Uint32Array.of(...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const ROUNDS = 7;
const BLOCK = 64;
const CHUNK = 1024;

const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

/** The columns and the diagonals of the state, in the order in which a round mixes them. */
const QUARTERS = [
  ...[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  ...[0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3, 4, 9, 14],
];

const state = new Uint32Array(16);
const words = new Uint32Array(16);
const permuted = new Uint32Array(16);

/** The digest of bytes, in hex. */
export function smallBlake3(bytes: Uint8Array): string {
  const digest = tree(bytes, 0, bytes.length, 0, ROOT);
  const out = Buffer.alloc(32);
  for (const [i, word] of digest.entries()) out.writeUInt32LE(word, 4 * i);
  return out.toString('hex');
}

/** The chaining value of `bytes[from, to)`, whose first chunk has this number. */
function tree(bytes: Uint8Array, from: number, to: number, number: number, root: number): Uint32Array {
  const chunks = Math.max(1, Math.ceil((to - from) / CHUNK));
  if (chunks === 1) return chunk(bytes, from, to, number, root);
  // As many whole chunks to the left as are a power of two, and at least one to the right.
  const left = 2 ** (31 - Math.clz32(chunks - 1));
  const middle = from + left * CHUNK;
  const [a, b] = [tree(bytes, from, middle, number, 0), tree(bytes, middle, to, number + left, 0)];
  words.set(a);
  words.set(b, 8);
  return compress(IV, 0, BLOCK, PARENT | root);
}

function chunk(bytes: Uint8Array, from: number, to: number, number: number, root: number): Uint32Array {
  let value: Uint32Array = IV;
  for (let at = from; at < to || at === from; at += BLOCK) {
    const length = Math.min(BLOCK, to - at);
    words.fill(0);
    for (let i = 0; i < length; i++) words[i >> 2] = (words[i >> 2] as number) | ((bytes[at + i] as number) << (8 * (i & 3)));
    const last = at + BLOCK >= to;
    value = compress(value, number, length, (at === from ? CHUNK_START : 0) | (last ? CHUNK_END | root : 0));
  }
  return value;
}

/** Compresses the block in `words`. */
function compress(value: Uint32Array, number: number, length: number, flags: number): Uint32Array {
  state.set(value);
  state.set(IV.subarray(0, 4), 8);
  state[12] = number;
  state[13] = 0; // the high half of the number: there is not that much input here
  state[14] = length;
  state[15] = flags;
  for (let round = 1; ; round++) {
    for (let i = 0; i < 8; i++) mix(4 * i, words[2 * i] as number, words[2 * i + 1] as number);
    if (round === ROUNDS) break;
    for (let i = 0; i < 16; i++) permuted[i] = words[PERMUTATION[i] as number] as number;
    words.set(permuted);
  }
  const out = new Uint32Array(8);
  for (let i = 0; i < 8; i++) out[i] = (state[i] as number) ^ (state[i + 8] as number);
  return out;
}

/** Mixes two words of the message into a quarter of the state. */
function mix(at: number, x: number, y: number): void {
  const [ai, bi, ci, di] = [QUARTERS[at], QUARTERS[at + 1], QUARTERS[at + 2], QUARTERS[at + 3]] as [
    number,
    number,
    number,
    number,
  ];
  let [a, b, c, d] = [state[ai], state[bi], state[ci], state[di]] as [number, number, number, number];
  a = (a + b + x) | 0;
  d = rotated(d ^ a, 16);
  c = (c + d) | 0;
  b = rotated(b ^ c, 12);
  a = (a + b + y) | 0;
  d = rotated(d ^ a, 8);
  c = (c + d) | 0;
  b = rotated(b ^ c, 7);
  state[ai] = a;
  state[bi] = b;
  state[ci] = c;
  state[di] = d;
}

const rotated = (word: number, by: number): number => (word >>> by) | (word << (32 - by));
