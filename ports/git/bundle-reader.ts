/** What a bundle's file must be. */
export interface ExpectedBundle {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Brings the objects of Git bundles (gitformat-bundle) into a clone.
 *
 * Promised: a bundle is taken whole or not at all, durably, and under no ref; each of its objects is sound, and whatever they name is in
 * it or was here before. A file is read once: what is taken is what was compared with `expected`.
 * Throws `INPUT_INVALID` for a file that is not as expected or no bundle of this clone's object format, `NOT_FOUND` where there is no
 * file, or where this clone lacks what the bundle builds on, `GIT_ERROR` with git's words, `IO_ERROR`, `STORAGE_FULL`, `INTERRUPTED`.
 */
export interface BundleReader {
  take(file: string, expected: ExpectedBundle, signal?: AbortSignal): Promise<void>;
}
