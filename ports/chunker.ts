/** A chunker's exact parameters, sizes in bytes, as a manifest names them. */
export type ChunkingSpec =
  | { readonly mode: 'fixed'; readonly size: number }
  | { readonly mode: 'fastcdc'; readonly min: number; readonly avg: number; readonly max: number; readonly nc: number };

/**
 * Cuts a stream of bytes into chunks. Deterministic: the cut points depend on the bytes and the spec alone,
 * never on how the input was split. The concatenation of the chunks is the input; no chunk is empty.
 */
export interface Chunker {
  readonly spec: ChunkingSpec;
  chunks(input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}
