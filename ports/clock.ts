/** Time and randomness: the domain has neither of its own. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  /** Resolves after `ms`, or rejects with `INTERRUPTED` when the signal fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Where ids and jitter come from. */
export interface Randomness {
  /** `count` bytes fit for an id; no promise of secrecy. */
  bytes(count: number): Uint8Array;
}
