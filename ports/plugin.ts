import type { PortName } from './tokens.js';

/** The version of this contract. A manifest with another number is refused. */
export const PLUGIN_API = 1;

/** What an adapter's factory is given, besides its own configuration. */
export interface AdapterContext {
  /** The repository's Git directory, or the folder to look for one from. */
  readonly directory: string;
  /** The environment that child processes get; already cleaned of what a client could have sent. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Another port of the same profile; opens it when it isn't open yet. A cycle is `PLUGIN_INVALID`. */
  get<T>(port: PortName): Promise<T>;
  /**
   * A further adapter, by its name and configuration, whatever the profile says: what an adapter that changes a little about another one
   * begins with. The caller owns it. Throws `CONFIG_INVALID` for an unknown name or a wrong configuration.
   */
  open<T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>): Promise<T>;
}

/**
 * The module that an adapter entry names exports this as `open`. It must open what it needs before it resolves.
 *
 * A wrapper (named under `wrap:`) gets what it wraps from the context, by its own port's name, and owns it: its `close` closes
 * both. It gives it as `wraps` too, on ports that are `Layered`, so that extras of the layers below stay reachable by `unwrap`;
 * what it adds itself stands in `extras`, under a name of the port's own table. Nobody casts an adapter to find out what it has.
 */
export type OpenAdapter<Config = unknown, Port = unknown> = (config: Config, context: AdapterContext) => Promise<Port>;

/** A class whose instances class-validator checks; absent for an adapter that takes no configuration. */
export type ConfigClass = new () => object;

/** The module that an adapter's entry names. */
export interface AdapterModule<Config = unknown, Port = unknown> {
  readonly open: OpenAdapter<Config, Port>;
  /** The adapter's configuration. Absent: any key in the profile is an error. */
  readonly Config?: ConfigClass;
  /** Keys of the configuration that nobody is to be shown: passwords, tokens. What is called so is hidden in any case. */
  readonly secrets?: readonly string[];
}

/** One adapter of a plugin: its port, its name, and where its module is. */
export interface AdapterEntry {
  readonly port: PortName;
  /** Lower case, unique for its port: `git-cli`, `flock`. */
  readonly name: string;
  /** It stands around another adapter of its port: a profile names it under `wrap:`, and nowhere else. */
  readonly wraps?: boolean;
  /** Imported only when a profile names the adapter. */
  readonly module: () => Promise<AdapterModule<never>>;
}

/** The class of an oclif command, as far as anybody here asks. */
export interface PluginCommand {
  /** What oclif's own `Command.run` does. */
  run(argv: string[], config: unknown): Promise<unknown>;
}

/** The module that a command's entry names. */
export interface CommandModule {
  readonly command: PluginCommand;
}

/** One command of a plugin for the command line. */
export interface CommandEntry {
  /** A line for the list of commands; the class's own stands in its help. */
  readonly summary: string;
  /** Imported only when the command is run, or explained. */
  readonly module: () => Promise<CommandModule>;
}

/** What a plugin exports as `manifest`. */
export interface PluginManifest {
  readonly api: typeof PLUGIN_API;
  /** The package's name. */
  readonly id: string;
  /** May be empty. */
  readonly adapters: readonly AdapterEntry[];
  /** By the words behind the program's name, with colons between them: `hello`, `acme:sync`. */
  readonly commands?: Readonly<Record<string, CommandEntry>>;
}
