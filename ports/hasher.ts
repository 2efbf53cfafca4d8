/** The algorithms of Git objects and keys, of chunks, and of ETags (`blake3`). */
export type HashAlgorithm = 'sha1' | 'sha256' | 'blake3';

/** A digest that is fed in pieces. */
export interface HashStream {
  update(bytes: Uint8Array): this;
  /** Lower-case hex. The stream is spent afterwards. */
  hex(): string;
}

/** Cryptographic digests. Synchronous, since an object's name is needed before its parent can be built. */
export interface Hasher {
  /** The digest of the parts' concatenation, lower-case hex. */
  hex(algorithm: HashAlgorithm, ...parts: readonly Uint8Array[]): string;
  stream(algorithm: HashAlgorithm): HashStream;
}
