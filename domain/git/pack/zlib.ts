/** What a zlib stream held, and where it ended. */
export interface Inflated {
  readonly body: Uint8Array;
  /** The offset behind the stream's last byte. */
  readonly end: number;
}

/** Compression as packs need it, by whoever has a library for it. A small body is done at once, a large one beside everything else. */
export interface Zlib {
  /** A zlib stream (RFC 1950) of these bytes. */
  deflate(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Reads the stream that begins at `at`. Throws `INPUT_INVALID` where it is none, is cut short, or doesn't hold exactly `size` bytes. */
  inflate(bytes: Uint8Array, at: number, size: number): Inflated | Promise<Inflated>;
  /** Lets others have a turn: to be awaited now and then in what takes long. */
  turn(): Promise<void>;
}
