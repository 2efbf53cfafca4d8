import { type AdapterEntry, KvError, PLUGIN_API, type PluginManifest, PORT_NAMES, type PortName } from '../../ports/index.js';

/** Every adapter that a profile may name. Frozen: nothing is added once it is made. */
export interface Registry {
  /** The plugins' ids, in the order they were given. */
  readonly plugins: readonly string[];
  /** Throws `CONFIG_INVALID` when the port has no adapter of that name; `where` is the place that names it. */
  find(port: PortName, name: string, where: string): RegisteredAdapter;
  names(port: PortName): readonly string[];
}

/** An adapter, and who brought it. */
export interface RegisteredAdapter extends AdapterEntry {
  /** The id of the plugin that brought it. */
  readonly plugin: string;
}

/** A manifest, and where it came from, for messages. */
export interface ManifestSource {
  readonly manifest: unknown;
  readonly from: string;
}

/** Checks the manifests and joins them. Throws `PLUGIN_INVALID`. */
export function createRegistry(sources: readonly ManifestSource[]): Registry {
  const plugins = new Map<string, string>();
  const adapters = new Map<string, RegisteredAdapter>();
  for (const { manifest: given, from } of sources) {
    const manifest = checkManifest(given, from);
    const earlier = plugins.get(manifest.id);
    if (earlier !== undefined) throw invalid(from, `the id '${manifest.id}' is taken by ${earlier}`, 'load each plugin once');
    plugins.set(manifest.id, from);
    for (const entry of manifest.adapters) {
      const key = `${entry.port}/${entry.name}`;
      const taken = adapters.get(key);
      if (taken !== undefined) {
        throw invalid(
          from,
          `the ${entry.port} adapter '${entry.name}' is brought by '${taken.plugin}' too`,
          'rename one of the two',
        );
      }
      adapters.set(key, Object.freeze({ ...entry, plugin: manifest.id }));
    }
  }
  const names = (port: PortName): string[] => [...adapters.values()].filter((one) => one.port === port).map((one) => one.name);
  return Object.freeze({
    plugins: Object.freeze([...plugins.keys()]),
    names,
    find(port: PortName, name: string, where: string): RegisteredAdapter {
      const found = adapters.get(`${port}/${name}`);
      if (found !== undefined) return found;
      const known = names(port);
      throw new KvError('CONFIG_INVALID', `${where}: no ${port} adapter is called '${name}'`, {
        hint:
          known.length > 0 ? `use one of: ${known.join(', ')}` : `list a plugin that brings a ${port} adapter under 'plugins'`,
      });
    },
  });
}

function checkManifest(given: unknown, from: string): PluginManifest {
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
      throw invalid(from, `${what}.port '${String(entry.port)}' is no port`, `use one of: ${PORT_NAMES.join(', ')}`);
    }
    if (typeof entry.name !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(entry.name)) {
      throw invalid(from, `${what}.name '${String(entry.name)}' is no adapter name`, 'use lower-case letters, digits and dashes');
    }
    if (typeof entry.module !== 'function')
      throw invalid(from, `${what}.module is no function`, "set it to () => import('./open.js')");
  }
  return given as PluginManifest;
}

function invalid(from: string, what: string, hint: string): KvError {
  return new KvError('PLUGIN_INVALID', `plugin ${from}: ${what}`, { hint });
}
