import type { PortName } from '../../ports/index.js';
import type { ValuePlace } from './profile/place.js';

/** One adapter by name, with its configuration as the file has it. */
export interface Layer {
  readonly use: string;
  /** Absent: the adapter's defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The line of the layer in its file, and of each key of its configuration; a nested key's name has dots. */
  readonly line: number;
  readonly configLines?: Readonly<Record<string, number>>;
  /** The file that names the adapter, where it isn't the profile's own: one that the profile extends. */
  readonly file?: string;
  /** Where the adapter is named, when that is no line of a file. */
  readonly place?: ValuePlace;
  /** Of keys of the configuration that stand elsewhere than the adapter's name. */
  readonly configPlaces?: Readonly<Record<string, ValuePlace>>;
  /** Keys that are set from outside of any file, the weakest first. They are text, and their names are spelt loosely. */
  readonly set?: readonly SetKey[];
}

/** A key of an adapter's configuration, as a flag, the environment or the repository's configuration sets it. */
export interface SetKey {
  /** Case and dashes count for nothing: `RESET_MS`, `resetms` and `resetMs` are one. */
  readonly key: string;
  readonly text: string;
  readonly place: ValuePlace;
}

/** What a profile says of one port. `wrap` lists wrappers of the same port, the innermost first. */
export interface Choice extends Layer {
  readonly wrap: readonly Layer[];
}

/** A plugin that a profile lists, where it isn't simply named in the profile's own file. */
export interface ListedPlugin {
  /** A package, or a path. */
  readonly use: string;
  /** What a relative path, and the search for a package, starts from: a file's path. */
  readonly from: string;
  readonly place: ValuePlace;
}

/** A value that a profile sets for the program that uses it. */
export interface ProfileSetting {
  readonly value: string;
  readonly place: ValuePlace;
}

/**
 * A named set of adapters:
 *
 *     version: 1                          # may be left out
 *     name: mine
 *     extends: embedded                   # a built-in profile, or the path of a file, relative to this one
 *     hosts: many                         # the lock must hold between hosts; one is the default
 *     settings: { listen-ssh: '0.0.0.0:2222' }
 *     plugins: ['@acme/git-kv-mirror', ./my-plugin/manifest.js]   # a path is relative to this file
 *     adapters:
 *       journal: journal-file
 *       mirror-target:
 *         use: mirror-git
 *         config: { remote: github-origin }
 *         wrap: [{ use: breaker, config: { resetMs: 5000 } }, retry]
 */
export interface Profile {
  readonly name: string;
  /** For messages, and what relative plugin paths start from. */
  readonly file: string;
  readonly plugins: readonly (string | ListedPlugin)[];
  readonly adapters: Readonly<Partial<Record<PortName, Choice>>>;
  /** Whether Stargates on several hosts share what the profile describes; absent: one host. */
  readonly hosts?: 'one' | 'many';
  /** The line that says so, as `file:line`. */
  readonly hostsAt?: string;
  /** What a program's flags would say, by the flags' names. */
  readonly settings?: Readonly<Record<string, ProfileSetting>>;
}
