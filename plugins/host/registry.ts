import {
  type AdapterEntry,
  type CommandEntry,
  KvError,
  nearest,
  PLUGIN_API,
  type PluginManifest,
  PORT_NAMES,
  type PortName,
} from '../../ports/index.js';
import type { Layer } from './profile.js';

/** Every adapter that a profile may name. Frozen: nothing is added once it is made. */
export interface Registry {
  /** The plugins' ids, in the order they were given. */
  readonly plugins: readonly string[];
  /** What is wrong with those that were left out, in the order they were given. */
  readonly failed: readonly KvError[];
  /**
   * The adapter that is named, as what it is named for: one that stands around another under `wrap`, or one that doesn't. Throws
   * `CONFIG_INVALID` when the port has none of that name; `where` is the place that names it. When plugins were left out, which may
   * have brought it, the error comes with the adapter's first use instead.
   */
  find(port: PortName, name: string, where: string, wraps?: boolean): RegisteredAdapter;
  names(port: PortName, wraps?: boolean): readonly string[];
}

/** An adapter, and who brought it. */
export interface RegisteredAdapter extends AdapterEntry {
  /** The id of the plugin that brought it. */
  readonly plugin: string;
}

/** A layer of a profile with the adapter that it names. */
export interface NamedLayer {
  readonly layer: Layer;
  /** `adapters.journal`, `adapters.mirror-target.wrap[0]`. */
  readonly path: string;
  readonly adapter: RegisteredAdapter;
}

/** A manifest, and where it came from, for messages. */
export interface ManifestSource {
  readonly manifest: unknown;
  readonly from: string;
  /** The folder of the package that it came from, and the module. */
  readonly root?: string;
  readonly file?: string;
}

/** Checks the manifests and joins them. Throws `PLUGIN_INVALID` for the first that is wrong. */
export function createRegistry(sources: readonly ManifestSource[]): Registry {
  return joined(sources, [], (error) => {
    throw error;
  });
}

/** As `createRegistry`; but what is wrong is left out, whole, beside what has failed before. */
export function tolerantRegistry(sources: readonly ManifestSource[], failed: readonly KvError[]): Registry {
  const all = [...failed];
  return joined(sources, all, (error) => all.push(error));
}

function joined(sources: readonly ManifestSource[], failed: readonly KvError[], refuse: (error: KvError) => void): Registry {
  const plugins = new Map<string, string>();
  const adapters = new Map<string, RegisteredAdapter>();
  for (const { manifest, from } of sources) {
    try {
      const { id, entries } = entriesOf(manifest, from, plugins, adapters);
      plugins.set(id, from);
      for (const [key, entry] of entries) adapters.set(key, entry);
    } catch (error) {
      if (!KvError.is(error)) throw error; // nothing of a manifest's runs here
      refuse(error);
    }
  }
  const names = (port: PortName, wraps?: boolean): string[] =>
    [...adapters.values()]
      .filter((one) => one.port === port && (wraps === undefined || (one.wraps === true) === wraps))
      .map((one) => one.name);
  const missing = (port: PortName, name: string, where: string, wraps: boolean): KvError => {
    const what = wraps ? `no wrapper of a ${port} is called '${name}'` : `no ${port} adapter is called '${name}'`;
    return new KvError('CONFIG_INVALID', `${where}: ${what}${elsewhere(port, name)}`, { hint: hintFor(port, name, wraps) });
  };
  const elsewhere = (port: PortName, name: string): string => {
    const same = adapters.get(`${port}/${name}`);
    if (same !== undefined)
      return same.wraps === true ? '; it is a wrapper, and belongs under wrap' : '; it is no wrapper, and belongs under use';
    const others = [...new Set([...adapters.values()].filter((one) => one.name === name).map((one) => one.port))];
    return others.length === 0 ? '' : `; it is an adapter for ${others.join(', ')}`;
  };
  const hintFor = (port: PortName, name: string, wraps: boolean): string => {
    const known = names(port, wraps);
    const near = nearest(name, known);
    if (near !== undefined && near !== name) return `did you mean '${near}'? use one of: ${known.join(', ')}`;
    return known.length > 0 ? `use one of: ${known.join(', ')}` : `list a plugin that brings a ${port} adapter under 'plugins'`;
  };
  return Object.freeze({
    plugins: Object.freeze([...plugins.keys()]),
    failed,
    names,
    find(port: PortName, name: string, where: string, wraps = false): RegisteredAdapter {
      const found = adapters.get(`${port}/${name}`);
      if (found !== undefined && (found.wraps === true) === wraps) return found;
      const error = missing(port, name, where, wraps);
      if (failed.length === 0 || found !== undefined) throw error;
      const why = failed.map(({ message }) => message).join('; ');
      const later = new KvError('PLUGIN_INVALID', `${error.message}; it may be brought by what can't be used: ${why}`, {
        cause: failed[0],
        ...(failed[0]?.hint === undefined ? {} : { hint: failed[0].hint }),
      });
      return { port, name, wraps, plugin: 'nobody', module: () => Promise.reject(later) };
    },
  });
}

/** A manifest's entries by port and name, all of which are free. Throws `PLUGIN_INVALID`. */
function entriesOf(
  given: unknown,
  from: string,
  plugins: ReadonlyMap<string, string>,
  adapters: ReadonlyMap<string, RegisteredAdapter>,
): { id: string; entries: Map<string, RegisteredAdapter> } {
  const manifest = checkManifest(given, from);
  const earlier = plugins.get(manifest.id);
  if (earlier !== undefined) throw invalid(from, `the id '${manifest.id}' is taken by ${earlier}`, 'load each plugin once');
  const entries = new Map<string, RegisteredAdapter>();
  for (const entry of manifest.adapters) {
    const key = `${entry.port}/${entry.name}`;
    const taken = adapters.get(key) ?? entries.get(key);
    if (taken !== undefined) {
      const what = `the ${entry.port} adapter '${entry.name}' is brought by '${taken.plugin}' too`;
      throw invalid(from, what, 'rename one of the two');
    }
    entries.set(key, Object.freeze({ ...entry, plugin: manifest.id }));
  }
  return { id: manifest.id, entries };
}

/** Holds a manifest against the contract. Throws `PLUGIN_INVALID`. */
export function checkManifest(given: unknown, from: string): PluginManifest {
  if (typeof given !== 'object' || given === null) {
    throw invalid(from, 'it exports no manifest', "export a PluginManifest as 'manifest' or as the default");
  }
  const { api, id, adapters } = given as Partial<Record<keyof PluginManifest, unknown>>;
  if (api !== PLUGIN_API) {
    throw invalid(
      from,
      `it is made for plugin api ${JSON.stringify(api) ?? 'none'}, this is ${PLUGIN_API}`,
      'install a matching version',
    );
  }
  if (typeof id !== 'string' || id === '') throw invalid(from, 'the manifest has no id', "set 'id' to the package's name");
  if (!Array.isArray(adapters))
    throw invalid(from, "the manifest's adapters are no list", "set 'adapters' to a list, which may be empty");
  for (const [at, entry] of (adapters as Partial<AdapterEntry>[]).entries()) {
    const what = `adapters[${at}]`;
    if (typeof entry !== 'object' || entry === null) throw invalid(from, `${what} is no adapter entry`, 'see ports/plugin.ts');
    if (!PORT_NAMES.includes(entry.port as PortName)) {
      const near = nearest(String(entry.port), PORT_NAMES);
      const hint = near === undefined ? `use one of: ${PORT_NAMES.join(', ')}` : `did you mean '${near}'?`;
      throw invalid(from, `${what}.port '${String(entry.port)}' is no port`, hint);
    }
    if (typeof entry.name !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(entry.name)) {
      throw invalid(from, `${what}.name '${String(entry.name)}' is no adapter name`, 'use lower-case letters, digits and dashes');
    }
    if (typeof entry.module !== 'function')
      throw invalid(from, `${what}.module is no function`, "set it to () => import('./open.js')");
  }
  checkCommands((given as { commands?: unknown }).commands, from);
  return given as PluginManifest;
}

function checkCommands(given: unknown, from: string): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(
      from,
      "the manifest's commands are no mapping of names",
      "set 'commands' to { name: { summary, module } }, or leave it out",
    );
  for (const [name, entry] of Object.entries(given) as [string, Partial<CommandEntry> | null][]) {
    const what = `commands['${name}']`;
    if (!/^[a-z][a-z0-9-]*(?::[a-z][a-z0-9-]*)*$/.test(name))
      throw invalid(from, `${what} is no name of a command`, 'use lower-case words, with colons between them');
    if (typeof entry?.summary !== 'string') throw invalid(from, `${what}.summary is no string`, 'say in a line what it does');
    if (typeof entry.module !== 'function')
      throw invalid(from, `${what}.module is no function`, "set it to () => import('./hello.js')");
  }
}

function invalid(from: string, what: string, hint: string): KvError {
  return new KvError('PLUGIN_INVALID', `plugin ${from}: ${what}`, { hint });
}
