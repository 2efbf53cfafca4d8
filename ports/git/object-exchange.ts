import type { Oid } from '../vocabulary.js';

/**
 * Objects of one repository as bytes, for the same repository on another server that has a part of them.
 *
 * Promised: what `receive` has taken is there whole, with all that it reaches where what was left out is there; and durable, where the
 * repository is. No ref moves by it.
 *
 * Not promised: that objects which no ref reaches stay; that two adapters understand each other's bytes.
 */
export interface ObjectExchange {
  /**
   * Everything that `want` reach and `have` don't, as bytes. Empty where nothing is left. All must be here: `GIT_ERROR` for one that
   * isn't, thrown by the stream, which then never looks whole.
   */
  send(want: readonly Oid[], have: readonly Oid[], signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Takes in what another one's `send` has given. All of it or nothing: throws `GIT_ERROR` for what is damaged, or builds on what isn't here,
   * `STORAGE_FULL`, and what the stream throws.
   */
  receive(bytes: AsyncIterable<Uint8Array>): Promise<void>;
}
