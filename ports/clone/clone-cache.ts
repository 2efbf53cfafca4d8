/**
 * Small texts that a clone keeps for its next commands, by name: what can be worked out again, at a cost. A name is
 * `[a-z][a-z0-9-]{0,62}`; anything else is `INPUT_INVALID`.
 * Promised: `get` gives a text that was put whole, or null. Not promised: that it gives one at all. A disk that can't be read or
 * written is no error: the text is worked out again.
 */
export interface CloneCache {
  /** What was put last under a name, by this or another process; null when there is nothing. */
  get(name: string): Promise<string | null>;

  /** Keeps a text in place of the one before. */
  put(name: string, text: string): Promise<void>;
}
