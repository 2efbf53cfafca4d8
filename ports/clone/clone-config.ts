/** What the clone's Git configuration says, as far as git-kv cares. All values come from one read. */
export interface CloneConfig {
  /** The last value of a key such as `kv.maxage` (section and variable in lower case), or undefined. */
  get(key: string): string | undefined;
  /** Every value of a key, in order. */
  all(key: string): readonly string[];
  /** The keys that are set, section and variable in lower case. */
  names(): readonly string[];
  /**
   * Replaces all values of a key: for whoever asks from now on, and in the clone's own configuration, where that can be written. Absent
   * where nothing can be changed.
   */
  put?(key: string, value: string): Promise<void>;
  /** `Name <mail>` as Git would write it into a commit. Throws `CONFIG_INVALID` when Git knows none. */
  identity(): Promise<string>;
}

/** Changes the clone's own (local) configuration. */
export interface CloneConfigWriter {
  /** Replaces all values of a key by these; none removes it. */
  set(key: string, values: readonly string[]): Promise<void>;
}
